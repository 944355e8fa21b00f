import { browserName } from "../../example/views/browser-name.ts";

const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
const ANDROID = "Mozilla/5.0 (Linux; Android 10; K)";

describe("browserName", () => {
  test.each([
    ["Chrome on Windows", `${WINDOWS} ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`],
    ["Edge on Windows", `${WINDOWS} ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`],
    ["Opera on Windows", `${WINDOWS} ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0`],
    ["Firefox on macOS", `${MAC.replace("7)", "7; rv:140.0)")} Gecko/20100101 Firefox/140.0`],
    ["Safari on macOS", `${MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`],
    ["Safari on iPhone", `${IOS} Version/18.5 Mobile/15E148 Safari/604.1`],
    ["Chrome on iPhone", `${IOS} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1`],
    ["Firefox on iPhone", `${IOS} FxiOS/140.0 Mobile/15E148 Safari/605.1.15`],
    ["Chrome on Android", `${ANDROID} ${WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36`],
    [
      "Samsung Internet on Android",
      `${ANDROID} ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    ],
    ["Chrome on Linux", `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36`],
    ["curl", "curl/8.14.1"],
    ["Unknown browser", "Something/1.0 (Windows NT 10.0)"],
    ["Unknown browser", ""],
    ["Unknown browser", undefined],
  ])("gives %s", (name, userAgent) => {
    expect(browserName(userAgent)).toBe(name);
  });
});

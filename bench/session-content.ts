/** What the measured sessions hold. */
export interface SessionContent {
  userId: string;
  name: string;
  roles: string[];
  counter: number;
  cart?: object[];
}

/** About 100 bytes of JSON, without the cookie. */
export function smallSession(userId: string): SessionContent {
  return { userId, name: "Ada Lovelace", roles: ["member", "editor"], counter: 1_000_000 };
}

/** About 10 KB of JSON in many small values, as apps have it; one long string would be cheap to parse. */
export function largeSession(userId: string): SessionContent {
  const cart = Array.from({ length: 73 }, (_, index) => ({
    id: `item-${10_000 + index}`,
    title: `A thing that somebody may buy, number ${index}`,
    price: { amount: 1999 + index, currency: "EUR" },
    quantity: (index % 5) + 1,
    gift: index % 7 === 0,
  }));
  return { ...smallSession(userId), cart };
}

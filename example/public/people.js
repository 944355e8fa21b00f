import { byId, fromTemplate, nameOf } from "./dom.js";

/** Shows who is in the room, and who of them is here now. */
export function showPeople({ members, here }, me) {
  byId("people").replaceChildren(
    ...members.sort().map((id) => {
      const isHere = here.includes(id);
      const { element, part } = fromTemplate("person-template");
      part(".name").textContent = id === me ? `${nameOf(id)} (you)` : nameOf(id);
      part(".where").textContent = isHere ? "here" : "away";
      element.classList.toggle("away", !isHere);
      return element;
    }),
  );
}

import { byId, fromTemplate } from "./dom.js";

/** Shows who is in the room, and who of them is here now. */
export function showPeople(people, me) {
  byId("people").replaceChildren(
    ...people.map(({ id, name, isHere }) => {
      const { element, part } = fromTemplate("person-template");
      part(".name").textContent = id === me ? `${name} (you)` : name;
      part(".where").textContent = isHere ? "here" : "away";
      element.classList.toggle("away", !isHere);
      return element;
    }),
  );
}

import { byId, fromTemplate, nameOf } from "./dom.js";

let shown = { members: [], here: [] };

/** Shows who is in the room, and who of them is here now. */
export function showPeople({ members, here }, me) {
  shown = { members: members.sort(), here };
  fill((id) => (here.includes(id) ? "here" : "away"), me);
}

/** Without a connection: one is offline oneself, and of others is known how it was. */
export function showPeopleAsTheyWere(me) {
  fill((id) => (id === me ? "offline" : shown.here.includes(id) ? "was here" : "was away"), me);
}

function fill(whereOf, me) {
  byId("people").replaceChildren(
    ...shown.members.map((id) => {
      const { element, part } = fromTemplate("person-template");
      part(".name").textContent = id === me ? `${nameOf(id)} (you)` : nameOf(id);
      part(".where").textContent = whereOf(id);
      element.classList.toggle("away", whereOf(id) !== "here");
      return element;
    }),
  );
}

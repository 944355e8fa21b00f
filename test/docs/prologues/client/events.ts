export interface ClientEvents {
  "chat.message": { group: string; text: string };
  "chat.typing": { group: string };
}

export interface ServerEvents {
  "chat.message": { from: string; text: string };
}

import { groupName } from "./groups/group-name.ts";
import type { Groups } from "./groups/groups.ts";
import type { Heartbeat } from "./presence/heartbeat.ts";
import { type ConnectionHub, isOfUser, type RealtimeConnection } from "./realtime-connection.ts";

/** What the hub itself does for its connections. */
interface HubCalls {
  isStale(): boolean;
  gone(connection: RealtimeConnection): void;
  closed(connection: RealtimeConnection): void;
}

/** Makes the part of the hub that connections see. */
export function connectionHub(groups: Groups, heartbeat: Heartbeat, calls: HubCalls): ConnectionHub {
  return {
    get isStale() {
      return calls.isStale();
    },
    heard: (connection, by) => heartbeat.heard(connection, by),
    gone: (connection) => calls.gone(connection),
    closed: (connection) => calls.closed(connection),
    join: (connection, group) =>
      isOfUser(connection)
        ? groups.join(connection.userId, groupName(group))
        : groups.joinAlone(connection, groupName(group)),
    leave: async (connection, group) =>
      isOfUser(connection)
        ? groups.leave(connection.userId, groupName(group))
        : groups.leaveAlone(connection, groupName(group)),
  };
}

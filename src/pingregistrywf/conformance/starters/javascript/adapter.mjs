// The adapter of your implementation: this is the file to edit.
//
// It runs as it is: below the line REPLACE FROM HERE stands a tiny implementation in memory.  Put
// calls of your own in its place.  protocol.mjs does the talking, and refuses what is malformed.

import {EPOCH, NO_VC, RETRY_NO_VC} from './protocol.mjs';
import {Implementation, RefusalError, newUlid, serve} from './protocol.mjs';

const hello = {
  implementation: 'starter',
  version: '0.1.0',
  // Claim what yours can do: what is not claimed is not tested.
  capabilities: ['versions', 'retry', 'delete', 'multi_server'],
};

const commands = {
  Init: {registry_id: 'uuid'},
  AppendPing: {code: 'int32', message: 'string'},
  PostSummary: {code: 'int32', message: 'string'},
  Commit: {},
  AbortExpired: {},
  End: {},
  Delete: {},
};
const begins = 'Init';

// ---- REPLACE FROM HERE --------------------------------------------------------------------------

const LEADS_TO = {
  PingRegistryStarted: 'Initialized',
  ServerPinged: 'Appending',
  ServerPingsGathered: 'Summarized',
  PingRegistryCompleted: 'Completed',
  PingRegistryCommitted: 'Terminated',
};
// What a command does in a state: append an event, or something else.  What is not here is refused.
const RULES = {
  Init: {Uninitialized: 'PingRegistryStarted', Initialized: 'same registry'},
  AppendPing: {Initialized: 'ServerPinged', Appending: 'ServerPinged'},
  PostSummary: {Initialized: 'ServerPingsGathered', Appending: 'ServerPingsGathered'},
  Commit: {Summarized: 'PingRegistryCompleted', Completed: 'noop'},
  AbortExpired: {
    Initialized: 'PingRegistryCompleted',
    Appending: 'PingRegistryCompleted',
    Summarized: 'PingRegistryCompleted',
    Completed: 'noop',
    Terminated: 'noop',
  },
  End: {Completed: 'PingRegistryCommitted', Terminated: 'noop'},
  Delete: {Uninitialized: 'noop', Completed: 'delete', Terminated: 'delete'},
};

// The journal that all servers share.
const histories = new Map();
const deleted = new Set();

/** The workflows as one server sees them. */
class Workflows extends Implementation {
  tell(workflow, command, args, vid) {
    const history = histories.get(workflow) ?? [];
    const head = history.at(-1)?.id ?? EPOCH;
    const state = LEADS_TO[history.at(-1)?.event] ?? 'Uninitialized';
    if (![NO_VC, RETRY_NO_VC, head].includes(vid)) {
      const facts = {stored: head, expected: vid};
      throw new RefusalError('VersionConflict', `the version is ${head}, not ${vid}`, facts);
    }
    if (command === 'Init' && deleted.has(workflow)) {
      throw new RefusalError('HistoryDeleted', `${workflow} was deleted`);
    }
    const outcome = RULES[command][state];
    switch (outcome) {
      case undefined:
        throw new RefusalError('StateConflict', `${command} is not allowed in state ${state}`);
      case 'same registry':
        if (args.registry_id !== history[0].fields.registry_id) {
          throw new RefusalError('ArgumentNotIdempotent', 'another registry', {arg: 'RegistryId'});
        }
        return {vid: head, events: []};
      case 'noop':
        return {vid: head, events: []};
      case 'delete':
        histories.delete(workflow);
        deleted.add(workflow);
        return {vid: EPOCH, events: []};
      default: {
        const fields = fieldsOf(args);
        const event = {event: outcome, id: newUlid(head), parent: head, fields};
        history.push(event);
        histories.set(workflow, history);
        return {vid: event.id, events: [event]};
      }
    }
  }

  find(workflow) {
    const history = histories.get(workflow);
    if (history === undefined) {
      return null;
    }
    const {event, id: vid} = history.at(-1);
    const summary = history.find((each) => each.event === 'ServerPingsGathered');
    return {
      state: LEADS_TO[event],
      vid,
      registry_id: history[0].fields.registry_id,
      pings: history.filter((each) => each.event === 'ServerPinged').map(statusOf),
      summary: summary ? statusOf(summary) : null,
    };
  }

  events(workflow) {
    return histories.get(workflow) ?? [];
  }
}

function fieldsOf({registry_id, code, message}) {
  return registry_id === undefined ? {status_code: code, status_message: message} : {registry_id};
}

function statusOf({id, fields}) {
  return {code: fields.status_code, message: fields.status_message, event_id: id};
}

// ---- TO HERE ------------------------------------------------------------------------------------

await serve((server) => new Workflows(server), {hello, commands, begins});

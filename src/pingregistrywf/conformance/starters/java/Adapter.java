// The adapter of your implementation: this is the file to edit.
//
// It runs as it is: below the line REPLACE FROM HERE stands a tiny implementation in memory.  Put
// calls of your own in its place.  Protocol.java does the talking, and refuses what is malformed.

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

final class Adapter {
    static final Map<String, Object> HELLO = Map.of(
            "implementation", "starter",
            "version", "0.1.0",
            // Claim what yours can do: what is not claimed is not tested.
            "capabilities", List.of("versions", "retry", "delete", "multi_server"));

    static final Map<String, Protocol.Type> STATUS =
            Map.of("code", Protocol.Type.INT32, "message", Protocol.Type.STRING);
    static final Map<String, Map<String, Protocol.Type>> COMMANDS = Map.of(
            "Init", Map.of("registry_id", Protocol.Type.UUID),
            "AppendPing", STATUS,
            "PostSummary", STATUS,
            "Commit", Map.of(),
            "AbortExpired", Map.of(),
            "End", Map.of(),
            "Delete", Map.of());

    public static void main(String[] arguments) throws Exception {
        new Protocol(Workflows::new, HELLO, COMMANDS, "Init").serve();
    }
}

// ---- REPLACE FROM HERE ---------------------------------------------------------------------------

/** The workflows as one server sees them. */
final class Workflows implements Protocol.Implementation {
    private static final Map<String, String> LEADS_TO = Map.of(
            "PingRegistryStarted", "Initialized",
            "ServerPinged", "Appending",
            "ServerPingsGathered", "Summarized",
            "PingRegistryCompleted", "Completed",
            "PingRegistryCommitted", "Terminated");
    /** What a command does in a state: append an event, or something else. What is not here is refused. */
    private static final Map<String, Map<String, String>> RULES = Map.of(
            "Init", Map.of("Uninitialized", "PingRegistryStarted", "Initialized", "same registry"),
            "AppendPing", Map.of("Initialized", "ServerPinged", "Appending", "ServerPinged"),
            "PostSummary", Map.of("Initialized", "ServerPingsGathered", "Appending", "ServerPingsGathered"),
            "Commit", Map.of("Summarized", "PingRegistryCompleted", "Completed", "noop"),
            "AbortExpired", Map.of(
                    "Initialized", "PingRegistryCompleted",
                    "Appending", "PingRegistryCompleted",
                    "Summarized", "PingRegistryCompleted",
                    "Completed", "noop",
                    "Terminated", "noop"),
            "End", Map.of("Completed", "PingRegistryCommitted", "Terminated", "noop"),
            "Delete", Map.of("Uninitialized", "noop", "Completed", "delete", "Terminated", "delete"));

    /** The journal that all servers share; one thread at a time uses it. */
    private static final Map<String, List<Protocol.Event>> HISTORIES = new HashMap<>();
    private static final Set<String> DELETED = new HashSet<>();

    Workflows(String server) {}

    @Override
    public Protocol.Told tell(String workflow, String command, Map<String, Object> args, String vid)
            throws Protocol.RefusalException {
        synchronized (HISTORIES) {
            List<Protocol.Event> history = HISTORIES.getOrDefault(workflow, new ArrayList<>());
            boolean isEmpty = history.isEmpty();
            String head = isEmpty ? Protocol.EPOCH : last(history).id;
            String state = isEmpty ? "Uninitialized" : LEADS_TO.get(last(history).event);
            if (!Set.of(Protocol.NO_VC, Protocol.RETRY_NO_VC).contains(vid) && !vid.equals(head)) {
                Map<String, String> facts = Map.of("stored", head, "expected", vid);
                throw new Protocol.RefusalException("VersionConflict", "another version", true, facts);
            }
            if (command.equals("Init") && DELETED.contains(workflow)) {
                throw new Protocol.RefusalException("HistoryDeleted", workflow + " was deleted");
            }
            String outcome = RULES.get(command).getOrDefault(state, "refused");
            switch (outcome) {
                case "refused":
                    String message = command + " is not allowed in state " + state;
                    throw new Protocol.RefusalException("StateConflict", message);
                case "same registry":
                    if (!args.equals(history.get(0).fields)) {
                        Map<String, String> facts = Map.of("arg", "RegistryId");
                        throw new Protocol.RefusalException("ArgumentNotIdempotent", "another registry", true, facts);
                    }
                    return new Protocol.Told(head);
                case "noop":
                    return new Protocol.Told(head);
                case "delete":
                    HISTORIES.remove(workflow);
                    DELETED.add(workflow);
                    return new Protocol.Told(Protocol.EPOCH);
                default:
                    Protocol.Event event = new Protocol.Event(outcome, Protocol.newUlid(head), head, fields(args));
                    history.add(event);
                    HISTORIES.put(workflow, history);
                    return new Protocol.Told(event.id, event);
            }
        }
    }

    @Override
    public Optional<Map<String, Object>> find(String workflow) {
        return Optional.of(events(workflow)).filter(history -> !history.isEmpty()).map(history -> {
            Map<String, Object> state = new HashMap<>();
            state.put("state", LEADS_TO.get(last(history).event));
            state.put("vid", last(history).id);
            state.put("registry_id", history.get(0).fields.get("registry_id"));
            state.put("pings", statuses(history, "ServerPinged"));
            state.put("summary", statuses(history, "ServerPingsGathered").stream().findAny().orElse(null));
            return state;
        });
    }

    @Override
    public List<Protocol.Event> events(String workflow) {
        synchronized (HISTORIES) {
            return List.copyOf(HISTORIES.getOrDefault(workflow, List.of()));
        }
    }

    private static Protocol.Event last(List<Protocol.Event> history) {
        return history.get(history.size() - 1);
    }

    private static Map<String, Object> fields(Map<String, Object> args) {
        return args.containsKey("message")
                ? Map.of("status_code", args.get("code"), "status_message", args.get("message"))
                : args;
    }

    private static List<Map<String, Object>> statuses(List<Protocol.Event> history, String event) {
        return history.stream()
                .filter(each -> each.event.equals(event))
                .map(Workflows::status)
                .collect(Collectors.toList());
    }

    private static Map<String, Object> status(Protocol.Event each) {
        Map<String, Object> said = each.fields;
        return Map.of("code", said.get("status_code"), "message", said.get("status_message"), "event_id", each.id);
    }
}

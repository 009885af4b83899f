// The adapter of your implementation: this is the file to edit.
//
// It runs as it is: below the line REPLACE FROM HERE stands a tiny implementation in memory.  Put
// calls of your own in its place.  protocol.go does the talking, and refuses what is malformed.

package main

import "sync"

var hello = Hello{
	Implementation: "starter",
	Version:        "0.1.0",
	// Claim what yours can do: what is not claimed is not tested.
	Capabilities: []string{"versions", "retry", "delete", "multi_server"},
}

var commands = map[string]Types{
	"Init":         {"registry_id": "uuid"},
	"AppendPing":   {"code": "int32", "message": "string"},
	"PostSummary":  {"code": "int32", "message": "string"},
	"Commit":       {},
	"AbortExpired": {},
	"End":          {},
	"Delete":       {},
}

func main() {
	adapter := Adapter{Make: open, Hello: hello, Commands: commands, Begins: "Init"}
	adapter.Serve()
}

// ---- REPLACE FROM HERE --------------------------------------------------------------------------

var leadsTo = map[string]string{
	"PingRegistryStarted":   "Initialized",
	"ServerPinged":          "Appending",
	"ServerPingsGathered":   "Summarized",
	"PingRegistryCompleted": "Completed",
	"PingRegistryCommitted": "Terminated",
}

// What a command does in a state: append an event, or something else.  What is not here is refused.
var rules = map[string]map[string]string{
	"Init":        {"Uninitialized": "PingRegistryStarted", "Initialized": "same registry"},
	"AppendPing":  {"Initialized": "ServerPinged", "Appending": "ServerPinged"},
	"PostSummary": {"Initialized": "ServerPingsGathered", "Appending": "ServerPingsGathered"},
	"Commit":      {"Summarized": "PingRegistryCompleted", "Completed": "noop"},
	"AbortExpired": {
		"Initialized": "PingRegistryCompleted",
		"Appending":   "PingRegistryCompleted",
		"Summarized":  "PingRegistryCompleted",
		"Completed":   "noop",
		"Terminated":  "noop",
	},
	"End":    {"Completed": "PingRegistryCommitted", "Terminated": "noop"},
	"Delete": {"Uninitialized": "noop", "Completed": "delete", "Terminated": "delete"},
}

// The journal that all servers share; one goroutine at a time uses it.
var (
	journal   sync.Mutex
	histories = map[string][]Event{}
	deleted   = map[string]bool{}
)

// Workflows are the workflows as one server sees them.
type Workflows struct{ server string }

func open(server string) Implementation { return &Workflows{server} }

// Tell runs a command.
func (workflows *Workflows) Tell(workflow, command string, args Args, vid string) (Told, error) {
	journal.Lock()
	defer journal.Unlock()
	history := histories[workflow]
	head, state := Epoch, "Uninitialized"
	if len(history) > 0 {
		last := history[len(history)-1]
		head, state = last.ID, leadsTo[last.Event]
	}
	if vid != NoVC && vid != RetryNoVC && vid != head {
		facts := map[string]string{"stored": head, "expected": vid}
		return Told{}, &RefusalError{Code: "VersionConflict", Message: "another version", Facts: facts}
	}
	if command == "Init" && deleted[workflow] {
		return Told{}, &RefusalError{Code: "HistoryDeleted", Message: workflow + " was deleted"}
	}
	switch outcome := rules[command][state]; outcome {
	case "":
		message := command + " is not allowed in state " + state
		return Told{}, &RefusalError{Code: "StateConflict", Message: message}
	case "same registry":
		if args["registry_id"] != history[0].Fields.(Args)["registry_id"] {
			facts := map[string]string{"arg": "RegistryId"}
			return Told{}, &RefusalError{Code: "ArgumentNotIdempotent", Message: "another registry", Facts: facts}
		}
		return Told{VID: head}, nil
	case "noop":
		return Told{VID: head}, nil
	case "delete":
		delete(histories, workflow)
		deleted[workflow] = true
		return Told{VID: Epoch}, nil
	default:
		event := Event{Event: outcome, ID: NewULID(head), Parent: head, Fields: fields(args)}
		histories[workflow] = append(history, event)
		return Told{VID: event.ID, Events: []Event{event}}, nil
	}
}

// Find answers the state.
func (workflows *Workflows) Find(workflow string) (any, error) {
	history, _ := workflows.Events(workflow)
	if len(history) == 0 {
		return nil, nil
	}
	pings, summary := []any{}, any(nil)
	for _, event := range history {
		if event.Event == "ServerPinged" {
			pings = append(pings, status(event))
		} else if event.Event == "ServerPingsGathered" {
			summary = status(event)
		}
	}
	last := history[len(history)-1]
	return map[string]any{
		"state":       leadsTo[last.Event],
		"vid":         last.ID,
		"registry_id": history[0].Fields.(Args)["registry_id"],
		"pings":       pings,
		"summary":     summary,
	}, nil
}

// Events answers the history.
func (workflows *Workflows) Events(workflow string) ([]Event, error) {
	journal.Lock()
	defer journal.Unlock()
	return histories[workflow], nil
}

func fields(args Args) Args {
	if message, said := args["message"]; said {
		return Args{"status_code": args["code"], "status_message": message}
	}
	return args
}

func status(event Event) any {
	said := event.Fields.(Args)
	return Args{"code": said["status_code"], "message": said["status_message"], "event_id": event.ID}
}

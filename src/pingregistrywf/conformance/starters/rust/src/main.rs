//! The adapter of your implementation: this is the file to edit.
//!
//! It runs as it is: below the line REPLACE FROM HERE stands a tiny implementation in memory.  Put
//! calls of your own in its place.  `protocol.rs` does the talking, and refuses what is malformed.

mod json;
mod protocol;

use json::{Json, Object};
use protocol::{new_ulid, Adapter, Event, Implementation, Refusal, Told, Type, Types, Vid, EPOCH};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

const STATUS: Types = &[("code", Type::Int32), ("message", Type::String)];
const COMMANDS: &[(&str, Types)] = &[
    ("Init", &[("registry_id", Type::Uuid)]),
    ("AppendPing", STATUS),
    ("PostSummary", STATUS),
    ("Commit", &[]),
    ("AbortExpired", &[]),
    ("End", &[]),
    ("Delete", &[]),
];

fn main() -> std::io::Result<()> {
    let journal = Arc::<Mutex<Histories>>::default();
    let adapter = Adapter {
        make: |_server: &str| Workflows(journal.clone()),
        implementation: "starter",
        version: "0.1.0",
        // Claim what yours can do: what is not claimed is not tested.
        capabilities: &["versions", "retry", "delete", "multi_server"],
        commands: COMMANDS,
        begins: "Init",
    };
    adapter.serve()
}

// ---- REPLACE FROM HERE ---------------------------------------------------------------------------

/// The journal that all servers share; a deleted history is there, and empty.
type Histories = HashMap<String, Vec<Event>>;

/// The workflows as one server sees them; one thread at a time uses the journal.
struct Workflows(Arc<Mutex<Histories>>);

impl Workflows {
    fn journal(&self) -> MutexGuard<'_, Histories> {
        self.0.lock().expect("no thread goes on after a panic")
    }
}

enum Outcome {
    Append(&'static str),
    SameRegistry,
    Noop,
    Delete,
}

fn decide(command: &str, state: &str) -> Result<Outcome, Refusal> {
    use Outcome::*;
    Ok(match (command, state) {
        ("Init", "Uninitialized") => Append("PingRegistryStarted"),
        ("Init", "Initialized") => SameRegistry,
        ("AppendPing", "Initialized" | "Appending") => Append("ServerPinged"),
        ("PostSummary", "Initialized" | "Appending") => Append("ServerPingsGathered"),
        ("Commit", "Summarized") => Append("PingRegistryCompleted"),
        ("AbortExpired", "Initialized" | "Appending" | "Summarized") => {
            Append("PingRegistryCompleted")
        }
        ("AbortExpired", "Completed" | "Terminated") => Noop,
        ("End", "Completed") => Append("PingRegistryCommitted"),
        ("Commit", "Completed") | ("End", "Terminated") | ("Delete", "Uninitialized") => Noop,
        ("Delete", "Completed" | "Terminated") => Delete,
        _ => return Err(Refusal::state_conflict(command, state)),
    })
}

fn state_after(event: &Event) -> &'static str {
    match event.event {
        "PingRegistryStarted" => "Initialized",
        "ServerPinged" => "Appending",
        "ServerPingsGathered" => "Summarized",
        "PingRegistryCompleted" => "Completed",
        _ => "Terminated",
    }
}

impl Implementation for Workflows {
    fn tell(&self, id: &str, command: &str, args: &Object, vid: Vid) -> Result<Told, Refusal> {
        let mut histories = self.journal();
        let history = histories.get(id);
        let last = history.and_then(|events| events.last());
        let head = last.map_or(EPOCH, |event| &event.id);
        vid.check(head)?;
        if command == "Init" && history.is_some() && last.is_none() {
            return Err(Refusal::new("HistoryDeleted", "the history was deleted"));
        }
        let state = last.map_or("Uninitialized", state_after);
        match decide(command, state)? {
            Outcome::Append(name) => {
                let event = Event::new(name, new_ulid(head), head, fields(args));
                histories.entry(id.into()).or_default().push(event.clone());
                Ok(Told::appended(event))
            }
            Outcome::SameRegistry if last.map(|event| &event.fields) != Some(args) => {
                let refusal = Refusal::new("ArgumentNotIdempotent", "another registry");
                Err(refusal.with("arg", "RegistryId"))
            }
            Outcome::SameRegistry | Outcome::Noop => Ok(Told::nothing(head)),
            Outcome::Delete => {
                histories.insert(id.into(), Vec::new());
                Ok(Told::nothing(EPOCH))
            }
        }
    }

    fn find(&self, id: &str) -> Result<Option<Json>, Refusal> {
        let history = self.events(id)?;
        let statuses = |name| {
            history
                .iter()
                .filter(move |each| each.event == name)
                .map(status)
        };
        Ok(history.last().map(|last| {
            Json::object([
                ("state", state_after(last).into()),
                ("vid", last.id.as_str().into()),
                ("registry_id", history[0].fields["registry_id"].clone()),
                ("pings", statuses("ServerPinged").collect::<Vec<_>>().into()),
                ("summary", statuses("ServerPingsGathered").next().into()),
            ])
        }))
    }

    fn events(&self, id: &str) -> Result<Vec<Event>, Refusal> {
        Ok(self.journal().get(id).cloned().unwrap_or_default())
    }
}

fn fields(args: &Object) -> Object {
    let renamed = |(name, value): (&String, &Json)| match name.as_str() {
        "registry_id" => (name.clone(), value.clone()),
        _ => (format!("status_{name}"), value.clone()),
    };
    args.iter().map(renamed).collect()
}

fn status(event: &Event) -> Json {
    Json::object([
        ("code", event.fields["status_code"].clone()),
        ("message", event.fields["status_message"].clone()),
        ("event_id", event.id.as_str().into()),
    ])
}

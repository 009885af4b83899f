------------------------------- MODULE PingRegistryIndex -------------------------------
(**************************************************************************************)
(* Generated from the chart ping_registry_index 1.0.0. Do not edit: change the chart. *)
(*                                                                                    *)
(* Ping registry index. One index history per registry lists the workflows that are   *)
(* active or completed, so that the daemons that watch the registry find them. Each   *)
(* listed workflow follows this chart by itself.                                      *)
(**************************************************************************************)
EXTENDS Journal

\* Absent: The index does not list the workflow, or does no more.
\* Active: The workflow has begun. Servers that watch the registry take part in it.
\* Completed: The workflow is over. It stays listed until it is deleted.
States == {"Absent", "Active", "Completed"}

\* PingRegistryStarted: A workflow began.
\* PingRegistryCompleted: A workflow was completed, by the admin or because it expired.
\* PingRegistryDeleted: A workflow was deleted and is listed no more.
Target ==
    [PingRegistryStarted |-> "Active",
     PingRegistryCompleted |-> "Completed",
     PingRegistryDeleted |-> "Absent"]

\* An entry that is not listed.
Unlisted == [state |-> "Absent",
             started_workflow_event_id |-> Epoch,
             completed_workflow_event_id |-> Epoch]

\* What an event about an entry makes of it.
Evolve(entry, event) ==
    IF Target[event.type] = "Absent" THEN Unlisted
    ELSE [entry EXCEPT !.state = Target[event.type],
                       !.started_workflow_event_id =
                           IF event.type = "PingRegistryStarted" THEN event.workflow_event_id ELSE @,
                       !.completed_workflow_event_id =
                           IF event.type = "PingRegistryCompleted" THEN event.workflow_event_id ELSE @]

\* What events leave of an entry.
RECURSIVE Replay(_, _)
Replay(events, workflow_id) ==
    IF events = <<>> THEN Unlisted
    ELSE LET event == events[Len(events)]
             before == SubSeq(events, 1, Len(events) - 1)
         IN
         CASE event.type = "SnapshotState" -> event.entries[workflow_id]
           [] event.type \in {"SnapshotBegin", "SnapshotEnd"} -> Replay(before, workflow_id)
           [] event.type \in DOMAIN Target ->
                 IF event.workflow_id = workflow_id
                 THEN Evolve(Replay(before, workflow_id), event)
                 ELSE Replay(before, workflow_id)

Entry(history, workflow_id) == Replay(history.events, workflow_id)

\* Whether an event is about an entry.
IsAbout(event, workflow_id) ==
    event.type \in DOMAIN Target /\ event.workflow_id = workflow_id

\* Whether the entry is as it was when the history had so many events.
IsUnchanged(history, workflow_id, length) ==
    \A number \in (length + 1)..Len(history.events) :
        ~IsAbout(history.events[number], workflow_id)

ExpectsUnchanged(history, workflow_id, length, result) ==
    IF IsUnchanged(history, workflow_id, length) THEN result
    ELSE Refuses("VersionConflictError")

\* Whether the entry was ever in one of these states.
WasIn(history, workflow_id, states) ==
    \E number \in DOMAIN history.events :
        /\ IsAbout(history.events[number], workflow_id)
        /\ Target[history.events[number].type] \in states

----------------------------------------------------------------------------------------

\* BeginPingRegistry: List a workflow as active.
DecideBeginPingRegistry(entry, workflow_id, workflow_event_id) ==
    LET state == entry.state IN
    CASE state = "Absent" ->
            \* A workflow that is not listed becomes active, also one that was listed
            \* before and deleted.
            Emits([type |-> "PingRegistryStarted",
                   workflow_id |-> workflow_id,
                   workflow_event_id |-> workflow_event_id])
      [] state = "Active" ->
            \* An interrupted begin can be run again.
            DoesNothing
      [] OTHER ->
            Refuses("StateConflictError")

\* CommitPingRegistry: List a workflow as completed.
DecideCommitPingRegistry(entry, workflow_id, workflow_event_id) ==
    LET state == entry.state IN
    CASE state = "Absent" ->
            \* What is not listed cannot be completed.
            Refuses("UnknownWorkflowError")
      [] state = "Active" ->
            \* An active workflow is completed.
            Emits([type |-> "PingRegistryCompleted",
                   workflow_id |-> workflow_id,
                   workflow_event_id |-> workflow_event_id])
      [] state = "Completed" ->
            \* An interrupted commit can be run again.
            DoesNothing
      [] OTHER ->
            Refuses("StateConflictError")

\* DeletePingRegistry: Take a workflow from the list.
DecideDeletePingRegistry(entry, workflow_id) ==
    LET state == entry.state IN
    CASE state \in {"Absent", "Active"} ->
            \* The index knows of no completed workflow of that id.
            Refuses("UnknownWorkflowError")
      [] state = "Completed" ->
            \* Only a completed workflow is deleted.
            Emits([type |-> "PingRegistryDeleted", workflow_id |-> workflow_id])
      [] OTHER ->
            Refuses("StateConflictError")

\* Snapshot: Rewrite the list as a snapshot.
DecideSnapshot(history, keys) ==
    IF history.events = <<>> \/ Newest(history).type = "SnapshotEnd" THEN DoesNothing
    ELSE LET entries == [workflow_id \in keys |-> Entry(history, workflow_id)]
             listed == {key \in keys : entries[key] # Unlisted}
         IN  Rewrites(<<[type |-> "SnapshotBegin"]>>
                      \o (IF listed = {} THEN <<>>
                          ELSE <<[type |-> "SnapshotState", entries |-> entries]>>)
                      \o <<[type |-> "SnapshotEnd"]>>)
========================================================================================

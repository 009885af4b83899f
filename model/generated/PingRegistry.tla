--------------------------------- MODULE PingRegistry ----------------------------------
(**************************************************************************************)
(* Generated from the chart ping_registry 1.0.0. Do not edit: change the chart.       *)
(*                                                                                    *)
(* Ping registry. The ping-registry workflow gathers pings from the server daemons    *)
(* that watch a registry. An admin begins it, each server posts its pings, a gatherer *)
(* summarizes them at the deadline, and the admin commits. It shows how a workflow    *)
(* coordinates several servers and an admin through nothing but a shared journal.     *)
(**************************************************************************************)
EXTENDS Journal

\* Uninitialized: Nothing has happened. The history is empty, or was deleted.
\* Initialized: The admin has begun the workflow. No server has answered yet.
\* Appending: At least one server has answered, and more pings are welcome.
\* Summarized: The pings have been summarized. What was not posted by now is not
\* counted. The admin may commit.
\* Completed: The workflow is over, by commit or by expiry. Only the confirmation that
\* its history ends is still missing.
\* Terminated: The history has ended. Nothing more is appended.
States == {"Uninitialized", "Initialized", "Appending", "Summarized", "Completed", "Terminated"}

\* PingRegistryStarted: The admin began the workflow.
\* ServerPinged: A server answered.
\* ServerPingsGathered: The gatherer summarized the pings.
\* PingRegistryCompleted: The workflow was completed, by the admin or because it
\* expired.
\* PingRegistryCommitted: The history ends here. The event has no other effect, and is
\* missing when the steps of a commit were interrupted.
Target ==
    [PingRegistryStarted |-> "Initialized",
     ServerPinged |-> "Appending",
     ServerPingsGathered |-> "Summarized",
     PingRegistryCompleted |-> "Completed",
     PingRegistryCommitted |-> "Terminated"]

State(history) ==
    IF history.events # <<>> THEN Target[Newest(history).type]
    ELSE IF history.deleted THEN "Deleted" ELSE "Uninitialized"

\* Whether the history was ever in one of these states.
WasIn(history, states) ==
    \E number \in DOMAIN history.events : Target[history.events[number].type] \in states

\* The registry whose servers are asked. Nil until the workflow has begun.
RegistryId(history) ==
    LET setting == {number \in DOMAIN history.events :
                        history.events[number].type \in {"PingRegistryStarted"}}
        newest == CHOOSE number \in setting : \A other \in setting : other <= number
        event == history.events[newest]
    IN  event.registry_id

----------------------------------------------------------------------------------------

\* Init: The admin begins the workflow.
DecideInit(history, registry_id) ==
    LET state == State(history) IN
    CASE state = "Uninitialized" ->
            \* A workflow begins on an empty history.
            Emits([type |-> "PingRegistryStarted", registry_id |-> registry_id])
      [] state = "Initialized" /\ registry_id = RegistryId(history) ->
            \* Beginning again is harmless until the first server has answered, but not
            \* with another registry.
            DoesNothing
      [] state = "Initialized" /\ ~(registry_id = RegistryId(history)) ->
            \* Beginning again is harmless until the first server has answered, but not
            \* with another registry.
            Refuses("ArgumentNotIdempotentError")
      [] state = "Deleted" ->
            \* The id of a deleted history is not free yet.
            Refuses("HistoryDeletedError")
      [] OTHER ->
            Refuses("StateConflictError")

\* AppendPing: A server answers.
DecideAppendPing(history) ==
    LET state == State(history) IN
    CASE state \in {"Initialized", "Appending"} ->
            \* Pings are accepted from the beginning until they are summarized.
            Emits([type |-> "ServerPinged"])
      [] OTHER ->
            Refuses("StateConflictError")

\* PostSummary: The gatherer summarizes the pings.
DecidePostSummary(history) ==
    LET state == State(history) IN
    CASE state \in {"Initialized", "Appending"} ->
            \* Pings are summarized once, also when no server has answered.
            Emits([type |-> "ServerPingsGathered"])
      [] OTHER ->
            Refuses("StateConflictError")

\* Commit: The admin has read the summary and completes the workflow.
DecideCommit(history) ==
    LET state == State(history) IN
    CASE state = "Summarized" ->
            \* Only a summarized workflow can be committed.
            Emits([type |-> "PingRegistryCompleted"])
      [] state = "Completed" ->
            \* An interrupted commit can be run again.
            DoesNothing
      [] OTHER ->
            Refuses("StateConflictError")

\* AbortExpired: The collector completes a workflow that nobody has committed in time.
DecideAbortExpired(history) ==
    LET state == State(history) IN
    CASE state \in {"Initialized", "Appending", "Summarized"} ->
            \* A workflow can expire at any time before it is completed.
            Emits([type |-> "PingRegistryCompleted"])
      [] state \in {"Completed", "Terminated"} ->
            \* What is over cannot expire.
            DoesNothing
      [] OTHER ->
            Refuses("StateConflictError")

\* End: Confirm that the history ends.
DecideEnd(history) ==
    LET state == State(history) IN
    CASE state = "Completed" ->
            \* A completed workflow's history is ended once the index knows of the
            \* completion.
            Emits([type |-> "PingRegistryCommitted"])
      [] state = "Terminated" ->
            \* Ending again is harmless.
            DoesNothing
      [] OTHER ->
            Refuses("StateConflictError")

\* Delete: Delete the workflow's history.
DecideDelete(history) ==
    LET state == State(history) IN
    CASE state \in {"Uninitialized", "Deleted"} ->
            \* Deleting what is not there is harmless, so that an interrupted delete can
            \* be run again.
            DoesNothing
      [] state \in {"Completed", "Terminated"} ->
            \* A workflow that is over can be deleted, with or without the confirmation
            \* that its history ends.
            Deletes
      [] OTHER ->
            Refuses("StateConflictError")
========================================================================================

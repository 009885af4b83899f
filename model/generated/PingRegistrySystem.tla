------------------------------ MODULE PingRegistrySystem -------------------------------
(**************************************************************************************)
(* Generated from the system ping_registry_system and the operations                  *)
(* ping_registry_operations. Do not edit: change the model.                           *)
(*                                                                                    *)
(* The ping-registry system. Admins, servers, gatherers and collectors share a        *)
(* journal. Each runs its operations step by step. Between any two steps the others   *)
(* may go on, and whoever runs the operation may crash: it then forgets what it was   *)
(* doing, and starts again.                                                           *)
(*                                                                                    *)
(* Left out are lengths of time (what may happen at a time may happen at any), what   *)
(* events carry beside ids, and how a journal stores histories.                       *)
(**************************************************************************************)
EXTENDS Journal

CONSTANTS
    \* The id of a workflow. It can be used again after the workflow was deleted.
    Workflows,
    \* A registry. Its index and its id follow from its name.
    Registries,
    \* A server pings every workflow that it has found in the index. It counts its own
    \* pings in the history, so that it posts no ping twice after a crash.
    Servers,
    \* A gatherer reads the pings at the deadline, which may be any time, and posts a
    \* summary of what it read.
    Gatherers,
    \* An admin begins a workflow, and commits it when it is summarized. It finishes
    \* what was interrupted.
    Admins,
    \* A collector reads its index. It expires active workflows, deletes completed ones,
    \* and writes snapshots. Every age counts as old enough.
    Collectors,
    \* How many events of each history are from one participant, at most: pings.
    Pings,
    \* How many events of each history are from one participant, at most: snapshots.
    Snapshots,
    \* How often a participant may crash.
    Crashes,
    \* How often an id may be used.
    Lives

PingRegistry == INSTANCE PingRegistry
PingRegistryIndex == INSTANCE PingRegistryIndex

VARIABLES
    \* The histories of the chart ping_registry.
    ping_registry,
    \* The histories of the chart ping_registry_index.
    ping_registry_index,
    \* What each participant is doing: the operation, the next step, and what the steps
    \* to come need.
    running,
    \* The events of which a participant knows that they are stored.
    acknowledged,
    \* How many crashes there have been.
    crashes

vars == <<ping_registry, ping_registry_index, running, acknowledged, crashes>>

Participants == Servers \union Gatherers \union Admins \union Collectors

Idle == [operation |-> "none", step |-> 0]

Init ==
    /\ ping_registry = [id \in Workflows |-> NoHistory]
    /\ ping_registry_index = [id \in Registries |-> NoHistory]
    /\ running = [participant \in Participants |-> Idle]
    /\ acknowledged = {}
    /\ crashes = 0

\* A participant begins an operation.
Begins(participant, run) ==
    /\ running' = [running EXCEPT ![participant] = run]
    /\ UNCHANGED <<ping_registry, ping_registry_index, acknowledged, crashes>>

\* A participant has run a step. It learns the answer and goes on; or it crashes before
\* that, and forgets everything.
GoesOn(participant, result, following, refused, told) ==
    \/ /\ running' = [running EXCEPT ![participant] =
                         IF Conflicts(result) THEN Idle
                         ELSE IF Refused(result) THEN refused ELSE following]
       /\ acknowledged' = IF Emitted(result) THEN acknowledged \union told ELSE acknowledged
       /\ UNCHANGED crashes
    \/ /\ Changed(result)
       /\ crashes < Crashes
       /\ crashes' = crashes + 1
       /\ running' = [running EXCEPT ![participant] = Idle]
       /\ UNCHANGED acknowledged

\* How many commands of a participant a history tells of.
Posted(history, participant) ==
    Cardinality({number \in DOMAIN history.events :
                     /\ "by" \in DOMAIN history.events[number]
                     /\ history.events[number].by = participant})

----------------------------------------------------------------------------------------
\* ping: A server posts one ping.

\* The ping is appended.
Ping(participant, run) ==
    /\ run.operation = "ping"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           decided == PingRegistry!DecideAppendPing(history)
           result == Noted(decided, [by |-> participant])
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {<<run.workflow, Vid(Written(history, result))>>})
    /\ UNCHANGED <<ping_registry_index>>

----------------------------------------------------------------------------------------
\* gather: The gatherer posts the summary of the pings that it read.

\* The summary is posted if the pings are still those that were read.
Gather(participant, run) ==
    /\ run.operation = "gather"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           decided == PingRegistry!DecidePostSummary(history)
           expected == Expects(history, run.read, decided)
           result == Noted(expected, [saw |-> run.read])
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

----------------------------------------------------------------------------------------
\* begin: The admin begins a workflow. Interrupted between the two steps, the workflow
\* is in no index and visible to nobody; it is finished by beginning again with the same
\* id.

\* The workflow begins.
Begin1(participant, run) ==
    /\ run.operation = "begin"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           result == PingRegistry!DecideInit(history, run.registry)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "begin",
                      step |-> 2,
                      workflow |-> run.workflow,
                      registry |-> run.registry,
                      before |-> run.before,
                      vid1 |-> Vid(Written(history, result))],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

\* The index lists it as active, with the id of its first event, unless another run of
\* this operation came between. From here on daemons see it.
Begin2(participant, run) ==
    /\ run.operation = "begin"
    /\ run.step = 2
    /\ LET history == ping_registry_index[run.registry]
           entry == PingRegistryIndex!Entry(history, run.workflow)
           decided == PingRegistryIndex!DecideBeginPingRegistry(entry, run.workflow, run.vid1)
           result == PingRegistryIndex!ExpectsUnchanged(history, run.workflow, run.before, decided)
       IN  /\ ping_registry_index' = [ping_registry_index EXCEPT ![run.registry] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry>>

----------------------------------------------------------------------------------------
\* commit: The admin completes the workflow that the index lists. Run again without a
\* vid, it finishes what was interrupted.

\* The workflow is completed.
Commit1(participant, run) ==
    /\ run.operation = "commit"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           incarnation == Incarnation(history, run.first)
           result == PingRegistry!DecideCommit(incarnation)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "commit",
                      step |-> 2,
                      workflow |-> run.workflow,
                      registry |-> run.registry,
                      first |-> run.first,
                      vid1 |-> Vid(Written(history, result))],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

\* The index lists it as completed, with the id of its completion event.
Commit2(participant, run) ==
    /\ run.operation = "commit"
    /\ run.step = 2
    /\ LET history == ping_registry_index[run.registry]
           listed == PingRegistryIndex!Entry(history, run.workflow)
           entry == IF listed.started_workflow_event_id = run.first THEN listed
                    ELSE PingRegistryIndex!Unlisted
           result == PingRegistryIndex!DecideCommitPingRegistry(entry, run.workflow, run.vid1)
       IN  /\ ping_registry_index' = [ping_registry_index EXCEPT ![run.registry] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "commit",
                      step |-> 3,
                      workflow |-> run.workflow,
                      vid1 |-> run.vid1],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry>>

\* The workflow's history ends.
Commit3(participant, run) ==
    /\ run.operation = "commit"
    /\ run.step = 3
    /\ LET history == ping_registry[run.workflow]
           decided == PingRegistry!DecideEnd(history)
           result == Expects(history, run.vid1, decided)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

----------------------------------------------------------------------------------------
\* expire: The collector completes the workflow that the index lists, and that nobody
\* has committed in time.

\* The workflow is completed, without a summary if there was none.
Expire1(participant, run) ==
    /\ run.operation = "expire"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           incarnation == Incarnation(history, run.first)
           result == PingRegistry!DecideAbortExpired(incarnation)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "expire",
                      step |-> 2,
                      workflow |-> run.workflow,
                      registry |-> run.registry,
                      first |-> run.first,
                      vid1 |-> Vid(Written(history, result))],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

\* The index lists it as completed.
Expire2(participant, run) ==
    /\ run.operation = "expire"
    /\ run.step = 2
    /\ LET history == ping_registry_index[run.registry]
           listed == PingRegistryIndex!Entry(history, run.workflow)
           entry == IF listed.started_workflow_event_id = run.first THEN listed
                    ELSE PingRegistryIndex!Unlisted
           result == PingRegistryIndex!DecideCommitPingRegistry(entry, run.workflow, run.vid1)
       IN  /\ ping_registry_index' = [ping_registry_index EXCEPT ![run.registry] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "expire",
                      step |-> 3,
                      workflow |-> run.workflow,
                      vid1 |-> run.vid1],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry>>

\* The workflow's history ends.
Expire3(participant, run) ==
    /\ run.operation = "expire"
    /\ run.step = 3
    /\ LET history == ping_registry[run.workflow]
           decided == PingRegistry!DecideEnd(history)
           result == Expects(history, run.vid1, decided)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

----------------------------------------------------------------------------------------
\* delete: The collector deletes the completed workflow that the index lists, and no
\* later one that has the same id in its place.

\* The workflow's history is deleted.
Delete1(participant, run) ==
    /\ run.operation = "delete"
    /\ run.step = 1
    /\ LET history == ping_registry[run.workflow]
           incarnation == Incarnation(history, run.first)
           result == PingRegistry!DecideDelete(incarnation)
       IN  /\ ping_registry' = [ping_registry EXCEPT ![run.workflow] = Written(@, result)]
           /\ GoesOn(participant, result,
                     [operation |-> "delete",
                      step |-> 2,
                      workflow |-> run.workflow,
                      registry |-> run.registry,
                      first |-> run.first],
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry_index>>

\* The index lists it no more.
Delete2(participant, run) ==
    /\ run.operation = "delete"
    /\ run.step = 2
    /\ LET history == ping_registry_index[run.registry]
           listed == PingRegistryIndex!Entry(history, run.workflow)
           entry == IF listed.started_workflow_event_id = run.first THEN listed
                    ELSE PingRegistryIndex!Unlisted
           result == PingRegistryIndex!DecideDeletePingRegistry(entry, run.workflow)
       IN  /\ ping_registry_index' = [ping_registry_index EXCEPT ![run.registry] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry>>

----------------------------------------------------------------------------------------
\* snapshot: The collector bounds the replay of an index.

\* The index is rewritten as a snapshot if that saves storage.
Snapshot(participant, run) ==
    /\ run.operation = "snapshot"
    /\ run.step = 1
    /\ LET history == ping_registry_index[run.registry]
           decided == PingRegistryIndex!DecideSnapshot(history, Workflows)
           result == Noted(decided, [by |-> participant])
       IN  /\ ping_registry_index' = [ping_registry_index EXCEPT ![run.registry] = Written(@, result)]
           /\ GoesOn(participant, result,
                     Idle,
                     Idle,
                     {})
    /\ UNCHANGED <<ping_registry>>

----------------------------------------------------------------------------------------
\* A server pings every workflow that it has found in the index. It counts its own pings
\* in the history, so that it posts no ping twice after a crash.

ServerRunsPing(server, workflow) ==
    /\ running[server] = Idle
    /\ \E registry \in Registries :
           PingRegistryIndex!WasIn(ping_registry_index[registry], workflow, {"Active"})
    /\ Posted(ping_registry[workflow], server) < Pings
    /\ Ping(server, [operation |-> "ping", step |-> 1, workflow |-> workflow])

Server(server) ==
    \/ \E workflow \in Workflows :
           ServerRunsPing(server, workflow)

----------------------------------------------------------------------------------------
\* A gatherer reads the pings at the deadline, which may be any time, and posts a
\* summary of what it read.

GathererCanGather(gatherer, workflow) ==
    /\ running[gatherer] = Idle
    /\ \E registry \in Registries :
           PingRegistryIndex!WasIn(ping_registry_index[registry], workflow, {"Active"})
    /\ PingRegistry!State(ping_registry[workflow]) \in {"Initialized", "Appending"}

GathererBeginsGather(gatherer, workflow) ==
    /\ GathererCanGather(gatherer, workflow)
    /\ LET read == Vid(ping_registry[workflow])
       IN  Begins(gatherer, [operation |-> "gather",
                             step |-> 1,
                             workflow |-> workflow,
                             read |-> read])

Gatherer(gatherer) ==
    \/ \E workflow \in Workflows :
           GathererBeginsGather(gatherer, workflow)
    \/ Gather(gatherer, running[gatherer])

----------------------------------------------------------------------------------------
\* An admin begins a workflow, and commits it when it is summarized. It finishes what
\* was interrupted.

AdminCanBegin(admin, workflow, registry) ==
    /\ running[admin] = Idle
    /\ PingRegistryIndex!Entry(ping_registry_index[registry], workflow).state \in {"Absent"}

AdminBeginsBegin(admin, workflow, registry) ==
    /\ AdminCanBegin(admin, workflow, registry)
    /\ LET before == Len(ping_registry_index[registry].events)
       IN  Begins(admin, [operation |-> "begin",
                          step |-> 1,
                          workflow |-> workflow,
                          registry |-> registry,
                          before |-> before])

AdminCanCommit(admin, workflow, registry) ==
    /\ running[admin] = Idle
    /\ PingRegistry!State(ping_registry[workflow]) \in {"Summarized", "Completed"}

AdminBeginsCommit(admin, workflow, registry) ==
    /\ AdminCanCommit(admin, workflow, registry)
    /\ LET first == PingRegistryIndex!Entry(ping_registry_index[registry], workflow).started_workflow_event_id
       IN  Begins(admin, [operation |-> "commit",
                          step |-> 1,
                          workflow |-> workflow,
                          registry |-> registry,
                          first |-> first])

Admin(admin) ==
    \/ \E workflow \in Workflows, registry \in Registries :
           AdminBeginsBegin(admin, workflow, registry)
    \/ \E workflow \in Workflows, registry \in Registries :
           AdminBeginsCommit(admin, workflow, registry)
    \/ Begin1(admin, running[admin])
    \/ Begin2(admin, running[admin])
    \/ Commit1(admin, running[admin])
    \/ Commit2(admin, running[admin])
    \/ Commit3(admin, running[admin])

----------------------------------------------------------------------------------------
\* A collector reads its index. It expires active workflows, deletes completed ones, and
\* writes snapshots. Every age counts as old enough.

CollectorCanExpire(collector, workflow, registry) ==
    /\ running[collector] = Idle
    /\ PingRegistryIndex!Entry(ping_registry_index[registry], workflow).state \in {"Active"}

CollectorBeginsExpire(collector, workflow, registry) ==
    /\ CollectorCanExpire(collector, workflow, registry)
    /\ LET first == PingRegistryIndex!Entry(ping_registry_index[registry], workflow).started_workflow_event_id
       IN  Begins(collector, [operation |-> "expire",
                              step |-> 1,
                              workflow |-> workflow,
                              registry |-> registry,
                              first |-> first])

CollectorCanDelete(collector, workflow, registry) ==
    /\ running[collector] = Idle
    /\ PingRegistryIndex!Entry(ping_registry_index[registry], workflow).state \in {"Completed"}

CollectorBeginsDelete(collector, workflow, registry) ==
    /\ CollectorCanDelete(collector, workflow, registry)
    /\ LET first == PingRegistryIndex!Entry(ping_registry_index[registry], workflow).started_workflow_event_id
       IN  Begins(collector, [operation |-> "delete",
                              step |-> 1,
                              workflow |-> workflow,
                              registry |-> registry,
                              first |-> first])

CollectorRunsSnapshot(collector, registry) ==
    /\ running[collector] = Idle
    /\ Posted(ping_registry_index[registry], collector) < Snapshots
    /\ Snapshot(collector, [operation |-> "snapshot", step |-> 1, registry |-> registry])

Collector(collector) ==
    \/ \E workflow \in Workflows, registry \in Registries :
           CollectorBeginsExpire(collector, workflow, registry)
    \/ \E workflow \in Workflows, registry \in Registries :
           CollectorBeginsDelete(collector, workflow, registry)
    \/ \E registry \in Registries :
           CollectorRunsSnapshot(collector, registry)
    \/ Expire1(collector, running[collector])
    \/ Expire2(collector, running[collector])
    \/ Expire3(collector, running[collector])
    \/ Delete1(collector, running[collector])
    \/ Delete2(collector, running[collector])

----------------------------------------------------------------------------------------

\* A mark of deletion expires, at any time, and the id can be used again.
FreePingRegistry(workflow) ==
    /\ ping_registry[workflow].deleted
    /\ ping_registry[workflow].incarnation < Lives
    /\ ping_registry' = [ping_registry EXCEPT ![workflow] = Freed(@)]
    /\ UNCHANGED <<ping_registry_index, running, acknowledged, crashes>>

Next ==
    \/ \E server \in Servers : Server(server)
    \/ \E gatherer \in Gatherers : Gatherer(gatherer)
    \/ \E admin \in Admins : Admin(admin)
    \/ \E collector \in Collectors : Collector(collector)
    \/ \E workflow \in Workflows : FreePingRegistry(workflow)

Spec == Init /\ [][Next]_vars
========================================================================================

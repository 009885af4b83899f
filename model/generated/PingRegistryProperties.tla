---------------------------- MODULE PingRegistryProperties -----------------------------
(**************************************************************************************)
(* Generated from the properties of ping_registry_system. Do not edit: change the     *)
(* model.                                                                             *)
(*                                                                                    *)
(* What must hold in the ping-registry system, whoever runs which operation when, and *)
(* wherever somebody is interrupted.                                                  *)
(**************************************************************************************)
EXTENDS PingRegistrySystem

\* The state of a workflow's history.
State(workflow) ==
    PingRegistry!State(ping_registry[workflow])

\* The events of a workflow's history.
Events(workflow) ==
    ping_registry[workflow].events

\* What a registry's index lists of a workflow.
Entry(registry, workflow) ==
    PingRegistryIndex!Entry(ping_registry_index[registry], workflow)

\* The index lists the workflow that is there now, and no earlier one with the same id.
Lists(registry, workflow) ==
    /\ Events(workflow) # <<>>
    /\ Entry(registry, workflow).started_workflow_event_id = FirstVid(ping_registry[workflow])

\* The workflow is completed.
IsOver(workflow) ==
    State(workflow) \in {"Completed", "Terminated"}

\* Where the events of a type stand in a workflow's history.
Numbers(workflow, type) ==
    {number \in DOMAIN Events(workflow) : Events(workflow)[number].type = type}

----------------------------------------------------------------------------------------
\* Only legal histories are stored. A workflow's history begins with its start and has
\* no other; then come pings, at most one summary, at most one completion, and the
\* confirmation that the history ends.
LegalHistories ==
    \A workflow \in Workflows :
        LET events == Events(workflow)
            rank == [PingRegistryStarted |-> 1, ServerPinged |-> 2, ServerPingsGathered |-> 3,
                     PingRegistryCompleted |-> 4, PingRegistryCommitted |-> 5]
        IN  \A number \in DOMAIN events :
                IF number = 1 THEN events[number].type = "PingRegistryStarted"
                ELSE \/ rank[events[number - 1].type] < rank[events[number].type]
                     \/ /\ events[number - 1].type = "ServerPinged"
                        /\ events[number].type = "ServerPinged"

----------------------------------------------------------------------------------------
\* A workflow is listed as active, then as completed, then no more; and only then anew.
LegalIndexes ==
    \A registry \in Registries, workflow \in Workflows :
        LET about == SelectSeq(ping_registry_index[registry].events,
                               LAMBDA event : PingRegistryIndex!IsAbout(event, workflow))
            next == [PingRegistryStarted |-> "PingRegistryCompleted",
                     PingRegistryCompleted |-> "PingRegistryDeleted",
                     PingRegistryDeleted |-> "PingRegistryStarted"]
        IN  \A number \in DOMAIN about :
                about[number].type = IF number = 1 THEN "PingRegistryStarted"
                                     ELSE next[about[number - 1].type]

----------------------------------------------------------------------------------------
\* A command appends at most one event, to one history, and changes no event that is
\* there. Only a snapshot appends several, all at once. Deleting a history removes all
\* of its events at once.
OneEventACommand ==
    [][
       LET kept(before, after) ==
               /\ Len(after) \in {Len(before), Len(before) + 1}
               /\ SubSeq(after, 1, Len(before)) = before
           rewritten(before, after) ==
               /\ Len(after) > Len(before)
               /\ SubSeq(after, 1, Len(before)) = before
               /\ after[Len(before) + 1].type = "SnapshotBegin"
               /\ after[Len(after)].type = "SnapshotEnd"
               /\ Len(after) <= Len(before) + 3
       IN  /\ \A workflow \in Workflows :
                  \/ kept(Events(workflow), Events(workflow)')
                  \/ Events(workflow)' = <<>>
           /\ \A registry \in Registries :
                  LET events == ping_registry_index[registry].events IN
                  kept(events, events') \/ rewritten(events, events')
           /\ \/ UNCHANGED ping_registry
              \/ UNCHANGED ping_registry_index
      ]_vars

----------------------------------------------------------------------------------------
\* A reader never sees a part of a snapshot.
WholeSnapshots ==
    \A registry \in Registries :
        LET history == ping_registry_index[registry] IN
        history.events # <<>> => Newest(history).type \notin {"SnapshotBegin", "SnapshotState"}

----------------------------------------------------------------------------------------
\* A snapshot leaves every entry as it is.
SnapshotsChangeNothing ==
    [][
       \A registry \in Registries, workflow \in Workflows :
           LET events == ping_registry_index[registry].events IN
           (Len(events') > Len(events) + 1) => (Entry(registry, workflow)' = Entry(registry, workflow))
      ]_vars

----------------------------------------------------------------------------------------
\* A ping whose server has been told that it is stored is in the history, until the
\* history is deleted.
AcknowledgedPingsAreStored ==
    \A ping \in acknowledged :
        LET history == ping_registry[ping[1]] IN
        (history.events # <<>> /\ history.incarnation = ping[2][1]) =>
            /\ ping[2][2] \in DOMAIN history.events
            /\ history.events[ping[2][2]].type = "ServerPinged"

----------------------------------------------------------------------------------------
\* A summary counts every ping that comes before it. As no ping comes after it, every
\* ping that was acknowledged is in the summary of its workflow.
EveryPingIsSummarized ==
    \A workflow \in Workflows :
        \A summary \in Numbers(workflow, "ServerPingsGathered") :
            \A ping \in Numbers(workflow, "ServerPinged") :
                /\ ping < summary
                /\ ping <= Events(workflow)[summary].saw[2]

----------------------------------------------------------------------------------------
\* Two gatherers give one summary.
OneSummary ==
    \A workflow \in Workflows : Cardinality(Numbers(workflow, "ServerPingsGathered")) <= 1

----------------------------------------------------------------------------------------
\* No server posts more pings than it has to, also if it crashes.
NoPingTwice ==
    \A workflow \in Workflows, server \in Servers :
        LET own == {ping \in Numbers(workflow, "ServerPinged") : Events(workflow)[ping].by = server}
        IN  Cardinality(own) <= Pings

----------------------------------------------------------------------------------------
\* A summary never changes while its workflow exists.
SummariesStay ==
    [][
       \A workflow \in Workflows :
           \A summary \in Numbers(workflow, "ServerPingsGathered") :
               \/ Events(workflow)' = <<>>
               \/ /\ summary \in DOMAIN Events(workflow)'
                  /\ Events(workflow)'[summary] = Events(workflow)[summary]
      ]_vars

----------------------------------------------------------------------------------------
\* A workflow is confirmed as ended only after its index lists it as completed.
TerminatedIsListedAsCompleted ==
    \A workflow \in Workflows :
        State(workflow) = "Terminated" =>
            \E registry \in Registries :
                Lists(registry, workflow) /\ Entry(registry, workflow).state = "Completed"

----------------------------------------------------------------------------------------
\* The index never lists a workflow as active that has no history, or that is not the
\* one that is there.
WhatIsActiveExists ==
    \A registry \in Registries, workflow \in Workflows :
        Entry(registry, workflow).state = "Active" => Lists(registry, workflow)

----------------------------------------------------------------------------------------
\* A workflow is active in no index but that of the registry with which it has begun.
ListedInItsOwnRegistry ==
    \A registry \in Registries, workflow \in Workflows :
        Entry(registry, workflow).state = "Active" => Events(workflow)[1].registry_id = registry

----------------------------------------------------------------------------------------
\* A workflow that the index lists as completed is completed, and the index names its
\* completion event.
ListedAsCompletedIsCompleted ==
    \A registry \in Registries, workflow \in Workflows :
        LET completed == Entry(registry, workflow).completed_workflow_event_id IN
        (Lists(registry, workflow) /\ Entry(registry, workflow).state = "Completed") =>
            /\ completed[1] = ping_registry[workflow].incarnation
            /\ completed[2] \in Numbers(workflow, "PingRegistryCompleted")

----------------------------------------------------------------------------------------
\* A history is deleted only while its index lists it as completed.
DeletedIsListedAsCompleted ==
    [][
       \A workflow \in Workflows :
           (Events(workflow) # <<>> /\ Events(workflow)' = <<>>) =>
               /\ IsOver(workflow)
               /\ \E registry \in Registries :
                      Lists(registry, workflow) /\ Entry(registry, workflow).state = "Completed"
      ]_vars

----------------------------------------------------------------------------------------
\* The index stops to list a workflow only after its history was deleted.
UnlistedIsDeleted ==
    [][
       \A registry \in Registries, workflow \in Workflows :
           (Entry(registry, workflow).state # "Absent" /\ Entry(registry, workflow)'.state = "Absent") =>
               ~Lists(registry, workflow)
      ]_vars

----------------------------------------------------------------------------------------
\* A collector completes only the workflow that it found in the index.
OnlyWhatWasListedExpires ==
    [][
       \A collector \in Collectors :
           (/\ running[collector].operation = "expire"
            /\ running[collector].step = 1
            /\ running'[collector] # running[collector]) =>
               \A workflow \in Workflows :
                   (~IsOver(workflow) /\ IsOver(workflow)') =>
                       \E registry \in Registries : Lists(registry, workflow)
      ]_vars

----------------------------------------------------------------------------------------
\* A begin that was interrupted is finished by running it again.
BegunIsListed ==
    \A workflow \in Workflows :
        State(workflow) = "Initialized" ~>
            \E registry \in Registries : Entry(registry, workflow).state # "Absent"

----------------------------------------------------------------------------------------
\* A commit that was interrupted is finished by running it again.
CommittedIsConfirmed ==
    \A workflow \in Workflows : State(workflow) = "Completed" ~> State(workflow) # "Completed"

----------------------------------------------------------------------------------------
\* No workflow stays active in its index: what was completed and not listed as
\* completed, by a commit that was interrupted, and what nobody commits is completed
\* there by the collector.
ActiveIsCompleted ==
    \A registry \in Registries, workflow \in Workflows :
        Entry(registry, workflow).state = "Active" ~> Entry(registry, workflow).state # "Active"

----------------------------------------------------------------------------------------
\* What the index lists as completed is deleted and listed no more in the end, also if a
\* delete was interrupted.
CompletedIsDeleted ==
    \A registry \in Registries, workflow \in Workflows :
        Entry(registry, workflow).state = "Completed" ~> Entry(registry, workflow).state # "Completed"

----------------------------------------------------------------------------------------

\* Whether such a participant can go on, with the operation that it runs or with another
\* one. TLC finds this out much faster than what is ENABLED.
AdminCanGoOn(admin) ==
    \/ running[admin] # Idle
    \/ \E workflow \in Workflows, registry \in Registries :
           AdminCanBegin(admin, workflow, registry)
    \/ \E workflow \in Workflows, registry \in Registries :
           AdminCanCommit(admin, workflow, registry)

\* Whether such a participant can go on, with the operation that it runs or with another
\* one. TLC finds this out much faster than what is ENABLED.
CollectorCanGoOn(collector) ==
    \/ running[collector] # Idle
    \/ \E workflow \in Workflows, registry \in Registries :
           CollectorCanExpire(collector, workflow, registry)
    \/ \E workflow \in Workflows, registry \in Registries :
           CollectorCanDelete(collector, workflow, registry)

\* Weakly fair to each admin: who can go on for ever does so.
AdminFairSpec ==
    /\ Spec
    /\ \A admin \in Admins :
           /\ \/ []<>~AdminCanGoOn(admin)
              \/ []<><<running'[admin] # running[admin]>>_running

\* Weakly fair to each collector: who can go on for ever does so.
CollectorFairSpec ==
    /\ Spec
    /\ \A collector \in Collectors :
           /\ \/ []<>~CollectorCanGoOn(collector)
              \/ []<><<running'[collector] # running[collector]>>_running
           /\ WF_vars(\E registry \in Registries :
                          CollectorRunsSnapshot(collector, registry))

\* Who is interchangeable at the size one_workflow.
OneWorkflowSymmetry == Permutations(Servers) \union Permutations(Gatherers)

\* Who is interchangeable at the size reuse.
ReuseSymmetry == Permutations(Admins) \union Permutations(Collectors)

\* Who is interchangeable at the size reuse_with_a_server.
ReuseWithAServerSymmetry == Permutations(Admins)
========================================================================================

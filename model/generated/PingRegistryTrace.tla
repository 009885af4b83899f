------------------------------- MODULE PingRegistryTrace -------------------------------
(**************************************************************************************)
(* Generated from the system ping_registry_system. Do not edit: change the model.     *)
(*                                                                                    *)
(* A journal's histories as a trace of the model. The steps of the system are free,   *)
(* but what they write must be what the journal holds, in the order in which it was   *)
(* committed. The journal is a trace of the model if its end can be reached.          *)
(**************************************************************************************)
EXTENDS PingRegistrySystem

CONSTANTS
    \* The events of all histories in the order of their commits. Each is a record of
    \* its chart, its history, its vid, that of the event before it, and its fields.
    Trace,
    \* The histories that were deleted, as <<chart, id, vid of the last event>>.
    Deletions

\* How many events the system has written.
VARIABLE position

Histories ==
    [ping_registry |-> ping_registry, ping_registry_index |-> ping_registry_index]

Places == UNION {{<<chart, id>> : id \in DOMAIN Histories[chart]} : chart \in DOMAIN Histories}

\* What a journal tells of an event agrees with the event of the model, which may have
\* notes beside it.
Tells(told, event) ==
    /\ told.type = event.type
    /\ \A field \in DOMAIN told : told[field] = event[field]

\* A step has changed a history: it has written the next events of the trace, or it has
\* deleted what the trace says was deleted.
Continues(chart, id, before, after) ==
    LET length == Len(before.events)
    IN  IF after.events = <<>>
        THEN /\ <<chart, id, Vid(before)>> \in Deletions
             /\ UNCHANGED position
        ELSE /\ position' = position + Len(after.events) - length
             /\ position' <= Len(Trace)
             /\ \A number \in (length + 1)..Len(after.events) :
                    LET told == Trace[position + number - length]
                    IN  /\ told.chart = chart
                        /\ told.history = id
                        /\ told.vid = <<after.incarnation, number>>
                        /\ told.parent = IF number = 1 THEN Epoch
                                         ELSE <<after.incarnation, number - 1>>
                        /\ Tells(told.event, after.events[number])

Follows ==
    LET before == Histories
        after == Histories'
        changed == {place \in Places :
                        before[place[1]][place[2]].events # after[place[1]][place[2]].events}
    IN  IF changed = {} THEN UNCHANGED position
        ELSE \A place \in changed :
                 Continues(place[1], place[2],
                           before[place[1]][place[2]], after[place[1]][place[2]])

\* Whoever begins an operation takes its first step at once, so that there are few
\* states. A later look at the histories finds as much to do as an earlier one.
Prompt ==
    \A participant \in Participants :
        running[participant].step = 1 => running'[participant] # running[participant]

TraceSpec ==
    /\ Init
    /\ position = 0
    /\ [][Next /\ Prompt /\ Follows]_<<vars, position>>

\* States are the same if they cannot go on in different ways: notes, crashes and
\* answers do not count.
Seen ==
    <<position, running,
      [place \in Places |->
          LET history == Histories[place[1]][place[2]]
          IN  <<Vid(history), history.deleted>>]>>

\* The system cannot write all events and delete all that was deleted.
NotAccepted ==
    \/ position < Len(Trace)
    \/ \E deletion \in Deletions : Vid(Histories[deletion[1]][deletion[2]]) = deletion[3]
========================================================================================

------------------------------------ MODULE Journal ------------------------------------
(**************************************************************************************)
(* A journal keeps histories. A history is a sequence of events, and an id tells      *)
(* which history it is. An id can be used again after its history was deleted and the *)
(* mark of deletion has expired: then the next incarnation of the history begins.     *)
(*                                                                                    *)
(* The version of a history, its vid, is the id of its newest event: the incarnation, *)
(* and the number of the event in it. A version that was seen once never comes back,  *)
(* so that comparing it with the newest one before an event is appended (compare-and- *)
(* set) shows whether anything happened in between.                                   *)
(*                                                                                    *)
(* Each step of the model reads a history, decides, and writes, at once. That is what *)
(* the journal's compare-and-set makes of the three.                                  *)
(**************************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

\* The version of a history without events.
Epoch == <<0, 0>>

\* A history that has no event, and never had one.
NoHistory == [incarnation |-> 0, events |-> <<>>, deleted |-> FALSE]

Newest(history) == history.events[Len(history.events)]

Vid(history) ==
    IF history.events = <<>> THEN Epoch
    ELSE <<history.incarnation, Len(history.events)>>

\* The id of a history's first event tells its incarnations apart.
FirstVid(history) ==
    IF history.events = <<>> THEN Epoch
    ELSE <<history.incarnation, 1>>

\* A history as those see it who look for one incarnation: another one is not there for
\* them.
Incarnation(history, first) ==
    IF FirstVid(history) = first THEN history
    ELSE [NoHistory EXCEPT !.deleted = history.deleted]

----------------------------------------------------------------------------------------

\* What a command does.
Emits(event) == [outcome |-> "emit", events |-> <<event>>]
Rewrites(events) == [outcome |-> "emit", events |-> events]
Deletes == [outcome |-> "delete"]
DoesNothing == [outcome |-> "noop"]
Refuses(error) == [outcome |-> "reject", error |-> error]

Emitted(result) == result.outcome = "emit"
Refused(result) == result.outcome = "reject"
Conflicts(result) == Refused(result) /\ result.error = "VersionConflictError"
Changed(result) == result.outcome \in {"emit", "delete"}

\* The result, with what the model notes beside the first event, for its own use.
Noted(result, notes) ==
    IF Emitted(result)
    THEN [result EXCEPT !.events = <<Head(@) @@ notes>> \o Tail(@)]
    ELSE result

\* Compare-and-set: a command that expects a version is decided on that version only.
Expects(history, vid, result) ==
    IF Vid(history) = vid THEN result ELSE Refuses("VersionConflictError")

Written(history, result) ==
    CASE Emitted(result) ->
            [history EXCEPT !.incarnation = IF history.events = <<>> THEN @ + 1 ELSE @,
                            !.events = @ \o result.events]
      [] result.outcome = "delete" ->
            [history EXCEPT !.events = <<>>, !.deleted = TRUE]
      [] OTHER -> history

\* The mark of deletion expires: the id is free.
Freed(history) == [history EXCEPT !.deleted = FALSE]
========================================================================================

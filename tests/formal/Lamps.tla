---- MODULE Lamps ----
(* Lamps that are switched on and off, at most three times in all.  Each property that does not
   hold, and each way in which a model can be wrong, is here once. *)
EXTENDS Integers, Sequences, TLC

CONSTANTS Lamps, Nobody
VARIABLES lit, last, log

vars == <<lit, last, log>>

Init ==
    /\ lit = [lamp \in Lamps |-> FALSE]
    /\ last = Nobody
    /\ log = << >>

Switch(lamp) ==
    /\ Len(log) < 3
    /\ lit' = [lit EXCEPT ![lamp] = ~@]
    /\ last' = lamp
    /\ log' = Append(log, [lamp |-> lamp, at |-> Len(log)])

Rest ==
    /\ last # Nobody
    /\ last' = Nobody
    /\ UNCHANGED <<lit, log>>

Next == Rest \/ \E lamp \in Lamps : Switch(lamp)

Spec == Init /\ [][Next]_vars /\ WF_vars(Rest)

\* Hold
Bounded == Len(log) <= 3
Grows == [][Len(log') >= Len(log)]_log
Rests == (last # Nobody) ~> (last = Nobody)

\* Do not hold
StaysShort == Len(log) < 2
StartsLit == \E lamp \in Lamps : lit[lamp]
SwitchesTwice == [][Len(log') < 3]_log
IsUsedUp == <>(Len(log) = 3)

\* A behaviour that never ends: three lamps are switched, and the log is cleared after the second
Clear ==
    /\ Len(log) = 3
    /\ log' = SubSeq(log, 1, 1)
    /\ UNCHANGED <<lit, last>>

Circle == Init /\ [][Clear \/ \E lamp \in Lamps : Switch(lamp)]_vars /\ WF_vars(Clear)
          /\ WF_vars(\E lamp \in Lamps : Switch(lamp))
IsOftenDark == []<>(log = << >>)

\* Wrong models
Breaks == Init /\ [][last' = Head(log) /\ UNCHANGED <<lit, log>>]_vars
Forgets == Init /\ [][last' = Nobody /\ UNCHANGED lit]_vars
Asserts == Init /\ [][Assert(Len(log) > 0, "nothing was switched") /\ UNCHANGED vars]_vars
====

#!/usr/bin/env perl
# An adapter that interprets a chart.json, for levels 1 to 3 of the suite: perl adapter.pl chart.json
#
# It is an example for those whose language has no starter.  It needs Perl's own modules alone, knows
# no command, state or event by name, and keeps its histories in memory.  It takes any chart whose
# histories hold one entry, which is any chart without a key.

use strict;
use warnings;
use B ();
use JSON::PP ();
use Time::HiRes ();

my $DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';    # Crockford's base 32
my $EPOCH  = '0' x 26;
my $NIL    = '00000000-0000-0000-0000-000000000000';
my %ZERO   = (int32 => 0, string => '', bool => JSON::PP::false, uuid => $NIL, ulid => $EPOCH);

# Numbers with a point or an exponent become objects, so that 1.0 is not taken for 1.
my $JSON = JSON::PP->new->utf8->allow_bignum;
my $ASCII = JSON::PP->new->ascii->allow_nonref;    # version 4.16 is slow to read anything else

my $chart = $JSON->decode(do { local (@ARGV, $/) = $ARGV[0] // die "usage: $0 chart.json\n"; <> });
my %cells = map { ("@$_{qw(command arguments state)}" => $_) } @{ $chart->{table} };
my %histories;    # by id: {head, state, carried, events}

sub answer {
    my ($request, $whole) = @_;
    my ($op, $id) = @$request{qw(op workflow)};
    return { hello => hello() } if $op eq 'hello';
    return { bye => {} } if $op eq 'bye';
    return { ok => exec_command($id, $request, $whole) } if $op eq 'exec';
    return { ok => { events => exists $histories{$id} ? $histories{$id}{events} : [] } }
      if $op eq 'events';
    return { ok => found($id) } if $op eq 'find';
    return { unsupported => { reason => "there is no $op here", issue_url => '' } };
}

sub hello {
    return {
        implementation => 'chart.json, interpreted',
        version        => '1',
        language       => 'Perl',
        protocol       => 1,
        chart_sha256   => $chart->{sha256},    # the field of the document, no hash of the file
        capabilities   => [qw(versions retry delete)],
    };
}

# Ends the request with an error of the protocol.
sub refuse {
    my ($code, $message, %fields) = @_;
    die { code => $code, message => $message, definite => JSON::PP::true, %fields };
}

sub error_of {
    return { error => $_[0] } if ref $_[0];
    return { error => { code => 'Internal', message => "$_[0]", definite => JSON::PP::false } };
}

# Half of a surrogate pair is no character, and the module would refuse the whole line: it becomes
# U+FFFD, and the answer is that the line was not whole.
sub whole_characters {
    my ($line) = @_;
    my $whole = 1;
    my $high  = qr/\\u[dD][89abAB][0-9a-fA-F]{2}/;
    my $low   = qr/\\u[dD][c-fC-F][0-9a-fA-F]{2}/;
    $$line =~ s{($high$low)|($high|$low)|(\\.)}{$2 ? do { $whole = 0; '\\uFFFD' } : $1 // $3}ge;
    return $whole;
}

sub is_number {
    my $flags = B::svref_2object(\$_[0])->FLAGS;
    return $flags & (B::SVp_IOK | B::SVp_NOK) && !($flags & B::SVp_POK);
}

sub is_text { return defined $_[0] && !ref $_[0] && $_[0] =~ /\A$_[1]\z/ }

my %IS = (
    int32  => sub { !ref $_[0] && is_number($_[0]) && $_[0] >= -2**31 && $_[0] < 2**31 },
    string => sub { defined $_[0] && !ref $_[0] && !is_number($_[0]) },
    bool   => sub { JSON::PP::is_bool($_[0]) },
    uuid   => sub { is_text($_[0], qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/) && $_[0] ne $NIL },
    ulid   => sub { is_text($_[0], qr/[0-7][$DIGITS]{25}/) },
);

sub check_arguments {
    my ($id, $request, $whole) = @_;
    my $command = $chart->{commands}{ $request->{command} }
      or refuse('InvalidCommand', 'there is no such command');
    my ($declared, $given) = ($command->{arguments}, $request->{args});
    refuse('InvalidCommand', 'half of a surrogate pair is no character') unless $whole;
    refuse('InvalidCommand', "$id is no id") unless $IS{uuid}->($id);
    refuse('InvalidCommand', 'the arguments are no object') unless ref $given eq 'HASH';
    for my $name (keys %$declared, keys %$given) {
        my $argument = $declared->{$name} or refuse('InvalidCommand', "there is no argument $name");
        my $value    = $given->{$name};
        refuse('InvalidCommand', "$name is no $argument->{type}")
          unless exists $given->{$name} && $IS{ $argument->{type} }->($value);
        refuse('InvalidCommand', "$name is empty")
          if $argument->{nonzero} && $value eq $ZERO{ $argument->{type} };
    }
    return $command;
}

sub exec_command {
    my ($id, $request, $whole) = @_;
    my $command = check_arguments($id, $request, $whole);
    my $history = $histories{$id} // empty_history();
    my ($head, $vid) = ($history->{head}, $request->{vid} // 'no_vc');
    unless ($command->{starts} || $vid =~ /\A(?:retry_)?no_vc\z/) {
        refuse('InvalidCommand', 'the vid is no ULID') unless $IS{ulid}->($vid);
        my %versions = (stored => $head, expected => $vid);
        refuse('VersionConflict', "the head is $head, not $vid", %versions) if $vid ne $head;
    }
    my ($cell, $different) = cell_of($history, $command, $request->{args});
    my $fields = fields_of($cell, $request->{args});
    if ($cell->{outcome} eq 'reject') {
        $fields->{arg} = join '', map { ucfirst } split /_/, $different if defined $different;
        refuse($cell->{error} =~ s/Error\z//r, "rule $cell->{rule}", %$fields);
    }
    if ($cell->{outcome} eq 'delete') {
        $histories{$id} = { %{ empty_history() }, state => 'Deleted' };
        return { vid => $EPOCH, events => [] };
    }
    return { vid => $head, events => [] } if $cell->{outcome} eq 'noop';
    my %chain = (id => next_ulid($head), parent => $head);
    my $event = { event => $cell->{event}, %chain, fields => $fields };
    apply($history, $event);
    $histories{$id} = $history;
    return { vid => $event->{id}, events => [$event] };
}

sub cell_of {
    my ($history, $command, $args) = @_;
    my ($name, $state) = ($command->{name}, $history->{state});
    return ($cells{"$name any $state"}, undef) if $cells{"$name any $state"};
    my $same = $cells{"$name same $state"};
    my ($different) = grep { $args->{$_} ne $history->{carried}{$_} } @{ $same->{compared} };
    return defined $different ? ($cells{"$name other $state"}, $different) : ($same, undef);
}

sub fields_of {
    my ($cell, $args) = @_;
    my %fields = %{ $cell->{sources} };
    $_ = exists $_->{argument} ? $args->{ $_->{argument} } : $_->{constant} for values %fields;
    return \%fields;
}

sub empty_history {
    my %carried;
    for my $each (values %{ $chart->{carried} }) {    # records and ids are null while there is none
        my $zero = $each->{type} && $each->{type} !~ /id\z/ ? $ZERO{ $each->{type} } : undef;
        $carried{ $each->{name} } = $each->{kind} eq 'list' ? [] : $zero;
    }
    return { head => $EPOCH, state => $chart->{initial}, carried => \%carried, events => [] };
}

sub apply {
    my ($history, $event) = @_;
    my ($declared, $fields) = ($chart->{events}{ $event->{event} }, $event->{fields});
    for my $carry (@{ $declared->{carries} }) {
        my $value = defined $carry->{field} ? $fields->{ $carry->{field} } : { event_id => $event->{id} };
        my $sources = $carry->{sources} // {};
        $value->{$_} = $fields->{ $sources->{$_} } for keys %$sources;
        my $carried = \$history->{carried}{ $carry->{carried} };
        if ($carry->{operation} eq 'append') { push @$$carried, $value } else { $$carried = $value }
    }
    @$history{qw(head state)} = ($event->{id}, $declared->{to});
    push @{ $history->{events} }, $event;
}

sub found {
    my ($id) = @_;
    my $history = $histories{$id};
    refuse('Uninitialized', "there is no $id") unless $history && @{ $history->{events} };
    return { state => $history->{state}, vid => $history->{head}, %{ $history->{carried} } };
}

# A ULID of now, or the one after the head if that is not smaller: the ids of a history grow.
sub next_ulid {
    my ($head) = @_;
    my $time   = int(Time::HiRes::time() * 1000);
    my @values = ((map { ($time >> 5 * $_) & 31 } reverse 0 .. 9), map { int rand 32 } 1 .. 16);
    my $new    = join '', map { substr $DIGITS, $_, 1 } @values;
    return $new if $new gt $head;
    my ($rest, $last, $full) = $head =~ /\A(.*?)([^Z])(Z*)\z/;
    return $rest . substr($DIGITS, index($DIGITS, $last) + 1, 1) . '0' x length $full;
}

$| = 1;    # each answer is written at once: the runner waits for it
while (defined(my $line = <STDIN>)) {
    my $whole   = whole_characters(\$line);
    utf8::decode($line) and $line =~ s/([^\x00-\x7f]+)/substr $ASCII->encode($1), 1, -1/ge;
    my $request = $JSON->decode($line);
    my $answer  = eval { answer($request, $whole) } // error_of($@);
    print $JSON->encode({ id => $request->{id} + 0, %$answer }), "\n";
    last if $request->{op} eq 'bye';
}

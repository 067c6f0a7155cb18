# A Skerry trainer: logistic regression, tensors weights [inputs] and bias [1], by docs/trainer-protocol.md alone.
use v5.36; use autodie; use JSON::PP; use List::Util 'sum0'; $| = 1;
sub load ($path) {  # a safetensors file of F32: name => numbers
    open my $file, '<:raw', $path;
    my ($header, $data) = unpack 'Q</a a*', do { local $/; <$file> };
    my %tensors = %{ decode_json($header) };
    my $numbers = sub { my ($from, $to) = @_; return [unpack 'f<*', substr $data, $from, $to - $from] };
    return { map { $_ => $numbers->(@{ $tensors{$_}{data_offsets} }) } grep { !/^__/ } keys %tensors };
}
sub save ($task, $model) {  # the tensors that the task asks for
    my ($data, %header) = ('');
    for (@{ $task->{tensors} }) {
        my @at = (length $data, length($data .= pack 'f<*', @{ $model->{ $_->{name} } }));
        $header{ $_->{name} } = { %$_{qw(dtype shape)}, data_offsets => \@at };
    }
    open my $file, '>:raw', $task->{output};
    print $file pack 'Q</a* a*', encode_json(\%header), $data;
    close $file;
}
sub look ($model, $rows, $split) {  # the sums that evaluation asks for, and the gradient, the bias first
    my ($y, $x, @w) = (@{$rows}{ "$split.labels", "$split.features" }, @{ $model->{bias} }, @{ $model->{weights} });
    my ($loss, $right, @gradient) = (0, 0, (0) x @w);
    for my $i (0 .. $#$y) {
        my @row = (1, @{$x}[ $i * $#w .. ($i + 1) * $#w - 1 ]);
        my $z = sum0 map { $w[$_] * $row[$_] } 0 .. $#w;
        $loss += ($z > 0 ? $z : 0) + log(1 + exp -abs $z) - $y->[$i] * $z;
        $right++ if ($z > 0) == ($y->[$i] == 1);
        $gradient[$_] += (1 / (1 + exp -$z) - $y->[$i]) * $row[$_] for 0 .. $#w;
    }
    return { num_examples => scalar @$y, loss => $loss, accuracy => $right }, @gradient;
}
sub train ($task, $model, $rows) {
    my ($sums, @gradient);
    for my $epoch (1 .. $task->{training}{local_epochs}) {
        ($sums, @gradient) = look($model, $rows, 'train');
        my $step = $task->{training}{learning_rate} / $sums->{num_examples};
        $_ -= $step * shift @gradient for @{ $model->{bias} }, @{ $model->{weights} };
        say encode_json({ type => 'progress', done => $epoch, total => $task->{training}{local_epochs} });
    }
    save($task, $model);
    return { num_examples => $sums->{num_examples}, train_loss => $sums->{loss} / $sums->{num_examples} };
}
while (my $task = decode_json(<STDIN> // last)) {
    my $answer = eval {
        my ($model, $rows) = (load($task->{model}), load($task->{rows}));
        $task->{task} eq 'train' ? train($task, $model, $rows)
            : { evaluation => { map { $_ => (look($model, $rows, $_))[0] } @{ $task->{splits} } } };
    };
    say encode_json({ type => 'done', %{ $answer // { type => 'error', message => "$@" } } });
}

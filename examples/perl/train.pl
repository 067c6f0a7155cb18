#!/usr/bin/perl
# A Skerry trainer in what Perl brings along: logistic regression, tensors weights [inputs] and bias [1]. All that it
# knows of Skerry is docs/trainer-protocol.md.
use strict; use warnings; use JSON::PP;
$| = 1;
sub load {  # a safetensors file: name => numbers
    open my $file, '<:raw', $_[0] or die "$_[0]: $!\n";
    my $bytes = do { local $/; <$file> };
    my $begin = 8 + unpack 'Q<', $bytes;
    my $header = decode_json(substr $bytes, 8, $begin - 8);
    delete $header->{__metadata__};
    return { map { my ($from, $to) = @{ $header->{$_}{data_offsets} };
        $_ => [unpack $header->{$_}{dtype} eq 'F64' ? 'd<*' : 'f<*', substr $bytes, $begin + $from, $to - $from]
    } keys %$header };
}
sub save {  # the tensors that the task asks for
    my ($task, $model, $data, %header) = (@_, '');
    for my $tensor (@{ $task->{tensors} }) {
        my $from = length $data;
        $data .= pack 'f<*', @{ $model->{ $tensor->{name} } };
        $header{ $tensor->{name} } = { dtype => 'F32', shape => $tensor->{shape}, data_offsets => [$from, length $data] };
    }
    my $text = encode_json(\%header);
    open my $file, '>:raw', $task->{output} or die "$task->{output}: $!\n";
    print $file pack('Q<', length $text), $text, $data;
    close $file or die "$task->{output}: $!\n";
}
sub look {  # at the rows of a split: the sums that evaluation asks for, and the gradient of the bias and the weights
    my ($model, $rows, $split) = @_;
    my ($w, $x, $y) = ($model->{weights}, @{$rows}{ "$split.features", "$split.labels" });
    my ($bias, @gradient) = (0, (0) x @$w);
    my %sums = (num_examples => scalar @$y, loss => 0, accuracy => 0);
    for my $i (0 .. $#$y) {
        my @row = @{$x}[ $i * @$w .. ($i + 1) * @$w - 1 ];
        my $z = $model->{bias}[0];
        $z += $w->[$_] * $row[$_] for 0 .. $#row;
        $sums{loss} += ($z > 0 ? $z : 0) + log(1 + exp(-abs $z)) - $y->[$i] * $z;
        $sums{accuracy}++ if ($z > 0) == ($y->[$i] == 1);
        my $error = 1 / (1 + exp -$z) - $y->[$i];
        $bias += $error;
        $gradient[$_] += $error * $row[$_] for 0 .. $#row;
    }
    return \%sums, $bias, @gradient;
}
sub train {
    my ($task, $model, $rows) = @_;
    my ($epochs, $sums, $bias, @gradient) = ($task->{training}{local_epochs});
    for my $epoch (1 .. $epochs) {
        ($sums, $bias, @gradient) = look($model, $rows, 'train');
        my $step = $task->{training}{learning_rate} / $sums->{num_examples};
        $model->{bias}[0] -= $step * $bias;
        $model->{weights}[$_] -= $step * $gradient[$_] for 0 .. $#gradient;
        print encode_json({ type => 'progress', done => $epoch, total => $epochs }), "\n";
    }
    save($task, $model);
    return { num_examples => $sums->{num_examples}, train_loss => $sums->{loss} / $sums->{num_examples} };
}
while (my $line = <STDIN>) {
    my ($task, $model, $rows) = decode_json($line);
    my $done = eval {
        ($model, $rows) = (load($task->{model}), load($task->{rows}));
        $task->{task} eq 'train' ? train($task, $model, $rows)
            : { evaluation => { map { $_ => (look($model, $rows, $_))[0] } @{ $task->{splits} } } };
    };
    print encode_json($done ? { type => 'done', %$done } : { type => 'error', message => "$@" }), "\n";
}

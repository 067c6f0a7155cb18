#!/usr/bin/env bash
# perl.sh: runs the command of examples/perl/README.md as it stands there: run.toml, agent.toml, and the hash of train.pl
# in it. The model must learn.
set -euo pipefail
perl -Mv5.36 -MJSON::PP -e 1 2>/dev/null || { echo "SKIPPED: there is no perl 5.36 with JSON::PP"; exit 77; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# The command writes to the folder it is run in.
mkdir -p "$SKERRY_TEST_OUT/perl"
cd "$SKERRY_TEST_OUT/perl"
rm -rf out
ln -sfn "$root/examples" examples
command=$(sed -n '/^```sh$/,/^```$/{/^```/!p}' examples/perl/README.md)
case $command in
  "skerry simulate "*" --trainers "*" --out out") ;;
  *) echo "this is not the command that was in the README: $command"; exit 1 ;;
esac
echo "$command"
PATH=$SKERRY_BIN:$PATH bash -euc "$command"

[ -s out/model.safetensors ]
awk -F, '
  NR == 1 { for (i = 1; i <= NF; i++) if ($i == "test.loss") column = i }
  NR > 1 && column && $column != "" { if (first == "") first = $column; last = $column }
  END { print "test loss: " first " at first, " last " at last"; exit !(first != "" && last < first - 0.05) }
' out/rounds.csv

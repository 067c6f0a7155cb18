#!/usr/bin/env bash
# Six hospitals learn to predict death in intensive care without showing each other a patient: one
# coordinator and six clients on this machine, over mutual TLS, with real data. On the way a client and
# the coordinator are killed with kill -9 and started again. Needs Debian 12 and git; installs the rest.
# Usage: examples/icu/run.sh      writes to examples/icu/out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
sites=(north south east west coast valley)
out=$PWD/out
build=$root/build/release
bin=$build/bin

step() { printf '\n== %s\n' "$*"; }

# ---- Whatever happens, nothing that was started here is left running ------------------------------
declare -A pids=()
stop_all() {
  for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done
  for name in "${!pids[@]}"; do wait "${pids[$name]}" 2>/dev/null || true; done
  pids=()
}
trap stop_all EXIT
trap 'exit 130' INT TERM

free_port() {
  local port
  for port in $(seq 18443 18543); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
  echo "no free port between 18443 and 18543" >&2
  exit 1
}
start_coordinator() {
  "$bin/skerry-coordinator" --config "$out/kits/coordinator/coordinator.toml" \
    >>"$out/coordinator.log" 2>&1 &
  pids[coordinator]=$!
}
start_client() {
  "$bin/skerry-client" --config "$out/kits/$1/agent.toml" >>"$out/$1.log" 2>&1 &
  pids[$1]=$!
}
kill_9() {
  kill -9 "${pids[$1]}"
  wait "${pids[$1]}" 2>/dev/null || true
  unset "pids[$1]"
}

step "1. packages and build"
"$root/cmake/install-packages.sh"
cmake -S "$root" --preset release -DSKERRY_TESTS=OFF >/dev/null
cmake --build "$build" --target skerry skerry-coordinator skerry-client

step "2. a certificate authority, and a kit for everybody"
rm -rf "$out"
mkdir -p "$out"
port=$(free_port)
"$bin/skerry" ca init --federation icu --dir "$out/ca"
issue=("$bin/skerry" ca issue --dir "$out/ca" --out "$out/kits" --coordinator localhost --port "$port"
       --data "icu=$PWD/data/{site}.csv")
for site in "${sites[@]}"; do issue+=(--site "$site"); done
"${issue[@]}"

step "3. one coordinator, six clients"
export SKERRY_ADMIN_SOCKET=$out/kits/coordinator/state/admin.sock
start_coordinator
for site in "${sites[@]}"; do start_client "$site"; done
for _ in $(seq 100); do
  joined=$("$bin/skerry" site list --format json 2>/dev/null | grep -c '"state": "ready"' || true)
  [ "$joined" = 6 ] && break
  sleep 0.1
done
"$bin/skerry" site list

step "4. the run begins"
run=$("$bin/skerry" run submit run.toml)
"$bin/skerry" run wait "$run" --round 15

step "5. kill -9 the client of site east; quorum is 6, so it is waited for"
kill_9 east
sleep 2
"$bin/skerry" run show "$run" --rounds 1
echo "starting it again"
start_client east
"$bin/skerry" run wait "$run" --round 30
grep -E 'joined|going on' "$out/east.log" | tail -n 3

step "6. kill -9 the coordinator, and start it again"
kill_9 coordinator
sleep 1
start_coordinator
"$bin/skerry" run wait "$run"
grep 'the run goes on' "$out/coordinator.log"
"$bin/skerry" run report "$run" --out "$out"
"$bin/skerry" model export "$run" --out "$out/federated.safetensors"

step "7. the same run file, simulated without any interruption"
"$bin/skerry" simulate run.toml --out "$out/simulated"
cmp "$out/federated.safetensors" "$out/simulated/model.safetensors"
echo "the deployed run, two kills and all, and the simulation made the same model, byte for byte"

step "8. what it was good for: each site alone, all together, and all data in one place"
for site in "${sites[@]}"; do
  "$bin/skerry" simulate run.toml --sites "data/$site.csv" --out "$out/local/$site" --quiet >/dev/null 2>&1
done
"$bin/skerry" simulate run.toml --sites 1 --out "$out/pooled" --quiet >/dev/null 2>&1
"$bin/skerry" model evaluate run.toml "local=$out/local/{site}/model.safetensors" \
  "federated=$out/federated.safetensors" "pooled=$out/pooled/model.safetensors" | tee "$out/comparison.txt"
"$bin/skerry" model evaluate run.toml "local=$out/local/{site}/model.safetensors" \
  "federated=$out/federated.safetensors" "pooled=$out/pooled/model.safetensors" --format json \
  >"$out/comparison.json"

# On the held-out patients of all sites together. Numbers above are words until somebody checks them.
awk -F'"' '
  /"all": \[/ { all = 1 }
  all && /"model":/ { model = $4 }
  all && /"auc":/ { value = $3; gsub(/[:, ]/, "", value); auc[model] = value }
  END {
    for (name in auc) if (name ~ /^local of /) { sum += auc[name]; n++ }
    if (n == 0 || auc["federated"] == "" || auc["pooled"] == "") {
      print "comparison.json lacks a model"; exit 1
    }
    apart = auc["federated"] - auc["pooled"]
    if (apart < 0) apart = -apart
    printf "AUC: federated %.4f, pooled %.4f, local models on average %.4f\n",
           auc["federated"], auc["pooled"], sum / n
    if (apart > 0.005) { print "MISSED: federated is not within 0.005 of pooled"; exit 1 }
    if (auc["federated"] <= sum / n) { print "MISSED: federated is no better than local"; exit 1 }
    print "the federated model is within 0.005 of the pooled one, and above the local ones"
  }' "$out/comparison.json"

step "9. done"
started=("${pids[@]}")
stop_all
left=0
for pid in "${started[@]}"; do
  if kill -0 "$pid" 2>/dev/null; then left=$((left + 1)); fi
done
echo "model           $out/federated.safetensors"
echo "learning curve  $out/curve.svg"
echo "rounds          $out/rounds.csv"
echo "logs            $out/*.log"
echo "left running    $([ "$left" = 0 ] && echo nothing || echo "$left processes")"
[ "$left" = 0 ]

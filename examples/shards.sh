#!/usr/bin/env bash
# Recalibrates a model on data that several processes share: passes over parts of it, merged, until
# the statistics are those of what comes in. On many machines, each runs its own `stats collect`.
#
#   examples/shards.sh MODEL OUT PARTS --data DATA [other flags of `stats collect`]
#
# BN_TOOL is the program, TOLERANCE when to stop (1e-3), MAX_PASSES when to give up (10).
set -euo pipefail

if (($# < 4)); then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
model=$1 out=$2 parts=$3
shift 3
tool=${BN_TOOL:-bn-tool}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

previous=()
for ((pass = 1; pass <= ${MAX_PASSES:-10}; pass++)); do
  jobs=()
  for ((part = 1; part <= parts; part++)); do
    "$tool" stats collect "$model" --quiet --pass "$pass" --shard "$part/$parts" ${previous[@]+"${previous[@]}"} \
      -o "$folder/$pass-$part.safetensors" "$@" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job"; done
  merged=$folder/pass$pass.safetensors
  status=0
  "$tool" stats merge "$folder/$pass"-*.safetensors -o "$merged" --tolerance "${TOLERANCE:-1e-3}" || status=$?
  if ((status == 0)); then break; fi
  if ((status != 1)); then exit "$status"; fi
  previous=(--stats "$merged")
done

"$tool" recalibrate "$model" --stats "$merged" -o "$out"

#!/bin/sh
# Holds each model that differs from BASE against the one that BASE has: regression.sh [BASE] [OUT], default origin/main and regression.
# OUT/NAME.md is the comment, NAME.html the report, NAME.json the result of models/NAME.npz. Exit code: the highest of the comparisons
# (docs/ci.md), 0 where no model changed. ASSAY is the command, default `npx assay`.
set -u
base=${1:-origin/main}
out=${2:-regression}
case $out in /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")" || exit 3
mkdir -p "$out/base" || exit 3
from=$(git merge-base "$base" HEAD) || exit 3
changed=$(git diff --name-only --relative --diff-filter=M "$from" -- 'models/*.npz') || exit 3
worst=0
for model in $changed; do
  name=$(basename "$model" .npz)
  git show "$from:./$model" > "$out/base/$name.npz" || exit 3
  ${ASSAY:-npx assay} run experiment.yaml --set "name=regression-$name" \
    --set "variants[0].model=$out/base/$name.npz" --set "variants[1].model=$model" \
    --fail-on harm,keep,inconclusive --summary "$out/$name.md" --json > "$out/$name.json"
  code=$?
  [ "$code" -gt "$worst" ] && worst=$code
  case $code in 0 | 4) ${ASSAY:-npx assay} report "regression-$name" -o "$out/$name.html" > /dev/null ;; esac
done
exit "$worst"

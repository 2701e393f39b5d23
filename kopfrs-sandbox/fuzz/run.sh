#!/usr/bin/env bash
# Fuzzes one target for so many seconds: `fuzz/run.sh http 600`. Needs a C++ compiler, and neither cargo-fuzz nor a
# nightly compiler. What it finds lies in `fuzz/artifacts`, what it learns in `fuzz/learnt`, what is worth keeping
# belongs into `fuzz/corpus`, through which the tests go.
set -euo pipefail
cd "$(dirname "$0")"
target=${1:?which target: http, patches, texts}
seconds=${2:-60}
triple=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=4 --cfg fuzzing"
cargo build --release --target "$triple" --bin "$target"
mkdir -p "learnt/$target" "artifacts/$target"
exec "target/$triple/release/$target" -max_total_time="$seconds" -rss_limit_mb=1500 -timeout=30 -max_len=4096 \
    -artifact_prefix="artifacts/$target/" "learnt/$target" "corpus/$target"

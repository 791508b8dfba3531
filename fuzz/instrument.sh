#!/bin/sh
# A RUSTC_WRAPPER: libFuzzer's instrumentation for our own code and no other, so that the
# engine is neither built anew nor explored. The flags are those of cargo-fuzz.
case " $* " in
*" --crate-name bn_tool "*)
    set -- "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1
    ;;
esac
exec "$@"

#!/bin/sh
# rustc as Cargo calls it, but that the program `frames` aborts on a panic. Cargo has no such setting for one crate.
rustc=$1
shift
case " $* " in
  *" --crate-name frames "*" --crate-type bin "*) set -- "$@" -Cpanic=abort ;;
esac
# Unquoted: there may be none.
exec $FRAMES_RUSTC_WRAPPER "$rustc" "$@"

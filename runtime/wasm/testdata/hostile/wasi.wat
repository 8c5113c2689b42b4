;; What a module could ask of an operating system. There is none: what it should not get and gets, it tells by a trap
;; of a kind of its own, a division by nought.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $got (mut i32) (i32.const 0))
  (data (i32.const 96) "/etc/passwd")
  (data (i32.const 112) "\00\02\00\00\00\01\00\00") ;; one vector: 256 bytes at 512
  (data (i32.const 120) "\f0\ff\ff\ff\20\00\00\00") ;; one that goes round
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "/data/attack")
  (data (i32.const 32) "{\"debugContext\":{\"memory\":0,\"global\":0}}")
  (func (export "tenterhook_abi_v1"))

  ;; which attack the event asks for: two digits, 0 for none
  (func $case (result i32)
    (if (result i32) (i32.eq (call $get_text (i32.const 16) (i32.const 12) (i32.const 80) (i32.const 2)) (i32.const 2))
      (then (i32.add
        (i32.mul (i32.sub (i32.load8_u (i32.const 80)) (i32.const 48)) (i32.const 10))
        (i32.sub (i32.load8_u (i32.const 81)) (i32.const 48))))
      (else (i32.const 0))))

  ;; how often it was called, as far as its memory and its global know
  (func $count (result i64)
    (i32.store8 (i32.const 58) (i32.add (i32.load8_u (i32.const 58)) (i32.const 1)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 69) (i32.add (global.get $calls) (i32.const 48)))
    (i64.const 0x20_0000_0028))

  (func $attack (param $case i32)
    ;; 01: to end well
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (call $proc_exit (i32.const 0))))
    ;; 02: to end badly
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (call $proc_exit (i32.const 3))))
    ;; 03: a file, by each of the first descriptors
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (if (i32.eqz (call $path_open (i32.const 0) (i32.const 0) (i32.const 96) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $path_open (i32.const 1) (i32.const 0) (i32.const 96) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $path_open (i32.const 2) (i32.const 0) (i32.const 96) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (i32.const 96) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $path_open (i32.const 4) (i32.const 0) (i32.const 96) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 04: the environment
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (drop (call $environ_sizes_get (i32.const 1024) (i32.const 1028)))
        (global.set $got (i32.load (i32.const 1024)))))
    ;; 05: a folder that was opened for it
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (if (i32.eqz (call $fd_prestat_get (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $fd_prestat_get (i32.const 1) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $fd_prestat_get (i32.const 2) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $fd_prestat_get (i32.const 3) (i32.const 1024))) (then (global.set $got (i32.const 1))))
        (if (i32.eqz (call $fd_prestat_get (i32.const 4) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 06: what somebody types
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (drop (call $fd_read (i32.const 0) (i32.const 112) (i32.const 1) (i32.const 1024)))
        (global.set $got (i32.load (i32.const 1024)))))
    ;; 07: a socket
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (if (i32.eqz (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 08: a directory
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (if (i32.eqz (call $fd_readdir (i32.const 3) (i32.const 512) (i32.const 64) (i64.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 09: to write where nothing is open
    (if (i32.eq (local.get $case) (i32.const 9))
      (then
        (if (i32.eqz (call $fd_write (i32.const 3) (i32.const 112) (i32.const 1) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 10: an hour of sleep; it is told that it is over
    (if (i32.eq (local.get $case) (i32.const 10))
      (then
        (i64.store (i32.const 1032) (i64.const 0))
        (i64.store (i32.const 1048) (i64.const 3600000000000))
        (drop (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 4096)))))
    ;; 11: a billion things to wait for
    (if (i32.eq (local.get $case) (i32.const 11))
      (then
        (if (i32.eqz (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 0x3fffffff) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 12: randomness that goes round
    (if (i32.eq (local.get $case) (i32.const 12))
      (then
        (if (i32.eqz (call $random_get (i32.const -16) (i32.const 32))) (then (global.set $got (i32.const 1))))))
    ;; 13: randomness of 4 GiB
    (if (i32.eq (local.get $case) (i32.const 13))
      (then
        (if (i32.eqz (call $random_get (i32.const 0) (i32.const -1))) (then (global.set $got (i32.const 1))))))
    ;; 14: the time, past the end
    (if (i32.eq (local.get $case) (i32.const 14))
      (then
        (if (i32.eqz (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 65532))) (then (global.set $got (i32.const 1))))))
    ;; 15: a clock that there is not
    (if (i32.eq (local.get $case) (i32.const 15))
      (then
        (if (i32.eqz (call $clock_time_get (i32.const 99) (i64.const 0) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 16: a vector that goes round
    (if (i32.eq (local.get $case) (i32.const 16))
      (then
        (if (i32.eqz (call $fd_write (i32.const 1) (i32.const 120) (i32.const 1) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 17: vectors past the end
    (if (i32.eq (local.get $case) (i32.const 17))
      (then
        (if (i32.eqz (call $fd_write (i32.const 1) (i32.const 65532) (i32.const 0x1fffffff) (i32.const 1024))) (then (global.set $got (i32.const 1))))))
    ;; 18: its count past the end
    (if (i32.eq (local.get $case) (i32.const 18))
      (then
        (if (i32.eqz (call $fd_write (i32.const 1) (i32.const 112) (i32.const 1) (i32.const 65534))) (then (global.set $got (i32.const 1))))))
    ;; 19: a signal
    (if (i32.eq (local.get $case) (i32.const 19))
      (then
        (if (i32.eqz (call $proc_raise (i32.const 9))) (then (global.set $got (i32.const 1))))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (drop (i32.div_u (i32.const 1) (i32.eqz (global.get $got))))
    (call $count)))

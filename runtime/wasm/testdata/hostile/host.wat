;; Floods of calls to the host.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "length" (func $length (param i32 i32) (result i32)))
  (import "tenterhook" "lookup" (func $lookup (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8)
  (data (i32.const 96) "/data")
  (data (i32.const 104) "words")
  (data (i32.const 112) "\80\00\00\00\00\00\01\00") ;; one vector: 64 KiB at 128
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
    ;; 01: the whole event
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (loop
          (drop (call $get (i32.const 0) (i32.const 0) (i32.const 1024) (i32.const 500000)))
          (br 0))))
    ;; 02: a member, without room
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (loop
          (drop (call $get (i32.const 96) (i32.const 5) (i32.const 0) (i32.const 0)))
          (br 0))))
    ;; 03: a text that is missing
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (loop
          (drop (call $get_text (i32.const 16) (i32.const 11) (i32.const 1024) (i32.const 64)))
          (br 0))))
    ;; 04: a length
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (loop
          (drop (call $length (i32.const 96) (i32.const 5)))
          (br 0))))
    ;; 05: a table
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (loop
          (drop (call $lookup (i32.const 104) (i32.const 5) (i32.const 104) (i32.const 5) (i32.const 1024) (i32.const 64)))
          (br 0))))
    ;; 06: a key of 256 KiB
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (loop
          (drop (call $lookup (i32.const 104) (i32.const 5) (i32.const 1024) (i32.const 262144) (i32.const 0) (i32.const 0)))
          (br 0))))
    ;; 07: lines of nothing
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (loop
          (call $log (i32.const 0) (i32.const 0))
          (br 0))))
    ;; 08: lines of 256 KiB
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (loop
          (call $log (i32.const 1024) (i32.const 262144))
          (br 0))))
    ;; 09: a pointer of 60,000 steps
    (if (i32.eq (local.get $case) (i32.const 9))
      (then
        (memory.fill (i32.const 1024) (i32.const 47) (i32.const 60000))
        (loop
          (drop (call $get (i32.const 1024) (i32.const 60000) (i32.const 0) (i32.const 0)))
          (br 0))))
    ;; 10: randomness
    (if (i32.eq (local.get $case) (i32.const 10))
      (then
        (loop
          (drop (call $random_get (i32.const 1024) (i32.const 262144)))
          (br 0))))
    ;; 11: the clock
    (if (i32.eq (local.get $case) (i32.const 11))
      (then
        (loop
          (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 1024)))
          (br 0))))
    ;; 12: stdout
    (if (i32.eq (local.get $case) (i32.const 12))
      (then
        (loop
          (drop (call $fd_write (i32.const 1) (i32.const 112) (i32.const 1) (i32.const 120)))
          (br 0))))
    ;; 13: yielding
    (if (i32.eq (local.get $case) (i32.const 13))
      (then
        (loop
          (drop (call $sched_yield))
          (br 0))))
    ;; 14: one member of ten thousand
    (if (i32.eq (local.get $case) (i32.const 14))
      (then
        (loop
          (drop (call $get (i32.const 16) (i32.const 12) (i32.const 0) (i32.const 0)))
          (br 0))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))

;; Logs that nobody could read.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
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

  (func $lines (param $times i32) (param $size i32)
    (loop
      (call $log (i32.const 1024) (local.get $size))
      (br_if 0 (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))

  ;; 1,024 vectors of 32 KiB each
  (func $vectors (local $at i32)
    (local.set $at (i32.const 1024))
    (loop
      (i32.store (local.get $at) (i32.const 16384))
      (i32.store offset=4 (local.get $at) (i32.const 32768))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 9216)))))

  (func $attack (param $case i32)
    ;; 01: one line of 60,000 bytes
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (memory.fill (i32.const 1024) (i32.const 97) (i32.const 60000))
        (call $lines (i32.const 1) (i32.const 60000))))
    ;; 02: 10,000 lines
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (memory.fill (i32.const 1024) (i32.const 97) (i32.const 60))
        (call $lines (i32.const 10000) (i32.const 60))))
    ;; 03: 32 MiB at once
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (call $vectors)
        (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1024) (i32.const 96)))))
    ;; 04: 32 MiB at once, all of them ends of lines
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (memory.fill (i32.const 16384) (i32.const 10) (i32.const 32768))
        (call $vectors)
        (drop (call $fd_write (i32.const 2) (i32.const 1024) (i32.const 1024) (i32.const 96)))))
    ;; 05: what is no text
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (memory.fill (i32.const 1024) (i32.const 255) (i32.const 100))
        (call $lines (i32.const 3) (i32.const 100))))
    ;; 06: what ends lines and moves cursors
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (memory.fill (i32.const 1024) (i32.const 10) (i32.const 100))
        (i32.store (i32.const 1024) (i32.const 0x5b1b0d0a))
        (call $lines (i32.const 3) (i32.const 100))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))

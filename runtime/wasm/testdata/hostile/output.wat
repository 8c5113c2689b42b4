;; Answers of every size, anywhere.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $answer (mut i64) (i64.const 0))
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
    ;; 01: the whole of 1 MiB
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (drop (memory.grow (i32.const 15)))
        (global.set $answer (i64.const 0x0010_0000))))
    ;; 02: 4 GiB
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (global.set $answer (i64.const 0xffff_ffff))))
    ;; 03: an end that is not in memory
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (global.set $answer (i64.const 0x0000_fff0_0000_0011))))
    ;; 04: a beginning that is not in memory
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (global.set $answer (i64.const 0x0001_0000_0000_0001))))
    ;; 05: an end that goes round
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (global.set $answer (i64.const 0xffff_fff0_0000_0020))))
    ;; 06: nothing, at a place there is not; that is no opinion
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (global.set $answer (i64.const 0xffff_ffff_0000_0000))))
    ;; 07: an answer in memory that is gone after the call
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (drop (memory.grow (i32.const 1)))
        (memory.copy (i32.const 65536) (i32.const 32) (i32.const 40))
        (global.set $answer (i64.const 0x0001_0000_0000_0028))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (if (result i64) (call $case)
      (then (global.get $answer))
      (else (call $count)))))

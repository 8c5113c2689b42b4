;; Every way in which code ends itself.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 2 funcref)
  (elem (i32.const 0) $f)
  (elem $e func $f)
  (data $d "x")
  (type $none (func))
  (type $other (func (param i64)))
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

  (func $f)
  (func $attack (param $case i32)
    ;; 01: unreachable
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (unreachable)))
    ;; 02: division by nought
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (drop (i32.div_u (i32.const 1) (i32.const 0)))))
    ;; 03: remainder by nought
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (drop (i64.rem_s (i64.const 1) (i64.const 0)))))
    ;; 04: a quotient that does not fit
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))))
    ;; 05: a number that is no whole one
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (drop (i32.trunc_f64_s (f64.const nan)))))
    ;; 06: a number that does not fit
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (drop (i64.trunc_f32_u (f32.const 1e30)))))
    ;; 07: a load past the end
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (drop (i32.load (i32.const 65533)))))
    ;; 08: a store at an offset past the end
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (i64.store offset=0xfffffff0 (i32.const 0x20) (i64.const 1))))
    ;; 09: a vector past the end
    (if (i32.eq (local.get $case) (i32.const 9))
      (then
        (drop (v128.load (i32.const 65530)))))
    ;; 10: a fill past the end
    (if (i32.eq (local.get $case) (i32.const 10))
      (then
        (memory.fill (i32.const 65530) (i32.const 0) (i32.const 7))))
    ;; 11: a copy past the end
    (if (i32.eq (local.get $case) (i32.const 11))
      (then
        (memory.copy (i32.const 0) (i32.const 65530) (i32.const 7))))
    ;; 12: a segment past its end
    (if (i32.eq (local.get $case) (i32.const 12))
      (then
        (memory.init $d (i32.const 0) (i32.const 1) (i32.const 1))))
    ;; 13: an element that there is not
    (if (i32.eq (local.get $case) (i32.const 13))
      (then
        (call_indirect (type $none) (i32.const 2))))
    ;; 14: an element that is null
    (if (i32.eq (local.get $case) (i32.const 14))
      (then
        (call_indirect (type $none) (i32.const 1))))
    ;; 15: an element of another type
    (if (i32.eq (local.get $case) (i32.const 15))
      (then
        (call_indirect (type $other) (i64.const 1) (i32.const 0))))
    ;; 16: an element past the end
    (if (i32.eq (local.get $case) (i32.const 16))
      (then
        (drop (table.get $t (i32.const 2)))))
    ;; 17: an element set past the end
    (if (i32.eq (local.get $case) (i32.const 17))
      (then
        (table.set $t (i32.const -1) (ref.null func))))
    ;; 18: a fill past the end of a table
    (if (i32.eq (local.get $case) (i32.const 18))
      (then
        (table.fill $t (i32.const 1) (ref.null func) (i32.const 2))))
    ;; 19: a copy past the end of a table
    (if (i32.eq (local.get $case) (i32.const 19))
      (then
        (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 2))))
    ;; 20: elements past their end
    (if (i32.eq (local.get $case) (i32.const 20))
      (then
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))))
    ;; 21: a fill that goes round, a chunk at a time
    (if (i32.eq (local.get $case) (i32.const 21))
      (then
        (memory.fill (i32.const -16) (i32.const 0) (i32.const 32))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))

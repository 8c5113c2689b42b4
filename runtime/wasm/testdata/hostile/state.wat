;; Everything a call can leave behind: in memory, in globals of every type, in a table.
;; The answer counts what it finds changed, so a fresh call says 1 and 1.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 4 funcref)
  (elem declare func $f)
  (global $i64 (mut i64) (i64.const 0))
  (global $f32 (mut f32) (f32.const 0))
  (global $f64 (mut f64) (f64.const 0))
  (global $v128 (mut v128) (v128.const i64x2 0 0))
  (global $ref (mut funcref) (ref.null func))
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
  (func $leave
    (global.set $i64 (i64.const -1))
    (global.set $f32 (f32.const nan:0x1234))
    (global.set $f64 (f64.const -0))
    (global.set $v128 (v128.const i64x2 0 -1))
    (global.set $ref (ref.func $f))
    (table.set $t (i32.const 3) (ref.func $f))
    (memory.fill (i32.const 4096) (i32.const 255) (i32.const 4096)))

  (func $found (result i32)
    (i32.or
      (i32.or
        (i32.or (i64.ne (global.get $i64) (i64.const 0)) (i32.reinterpret_f32 (global.get $f32)))
        (i32.or (i64.ne (i64.reinterpret_f64 (global.get $f64)) (i64.const 0)) (v128.any_true (global.get $v128))))
      (i32.or
        (i32.or (i32.eqz (ref.is_null (global.get $ref))) (i32.eqz (ref.is_null (table.get $t (i32.const 3)))))
        (i32.or (i32.load8_u (i32.const 4096)) (i32.load8_u (i32.const 8191))))))

  (func (export "decide") (result i64)
    (if (call $found) (then (drop (call $count))))
    (call $leave)
    (if (call $case) (then (unreachable)))
    (call $count)))

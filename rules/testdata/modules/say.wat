;; Gives the draft that the call has under /draft, in hex: any bytes at all.
(module
  (import "tenterhook" "get_text" (func $text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 16) "/draft")
  (func $digit (param $c i32) (result i32)
    (i32.add (i32.and (local.get $c) (i32.const 15)) (i32.mul (i32.shr_u (local.get $c) (i32.const 6)) (i32.const 9))))
  (func (export "decide") (result i64) (local $n i32) (local $i i32)
    (local.set $n (call $text (i32.const 16) (i32.const 6) (i32.const 1024) (i32.const 1000000)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i64.const 0))))
    (local.set $n (i32.shr_u (local.get $n) (i32.const 1)))
    (block $out
      (loop $next
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (i32.store8 offset=1024 (local.get $i)
          (i32.or (i32.shl (call $digit (i32.load8_u offset=1024 (i32.shl (local.get $i) (i32.const 1)))) (i32.const 4))
            (call $digit (i32.load8_u offset=1025 (i32.shl (local.get $i) (i32.const 1))))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i64.or (i64.const 0x40000000000) (i64.extend_i32_u (local.get $n)))))

;; Puts eight random letters into the debugContext.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "{\"debugContext\":{\"r\":\"........\"}}")
  (func (export "decide") (result i64)
    (local $i i32)
    (drop (call $random (i32.const 86) (i32.const 8)))
    (loop $next
      (i32.store8 offset=86 (local.get $i)
        (i32.add (i32.const 0x61) (i32.and (i32.load8_u offset=86 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 33))))

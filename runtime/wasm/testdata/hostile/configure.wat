;; A configure that misbehaves as its `with` says: one digit.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
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

  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "configure") (param $ptr i32) (param $len i32) (result i32) (local $case i32)
    (local.set $case (i32.sub (i32.load8_u (local.get $ptr)) (i32.const 48)))
    (if (i32.eq (local.get $case) (i32.const 1)) (then (loop (br 0))))
    (if (i32.eq (local.get $case) (i32.const 2)) (then (return (i32.const 1))))
    (if (i32.eq (local.get $case) (i32.const 3)) (then (unreachable)))
    (if (i32.eq (local.get $case) (i32.const 4)) (then (call $proc_exit (i32.const 0))))
    (if (i32.eq (local.get $case) (i32.const 5)) (then
      (loop $grow
        (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))))
    (if (i32.eq (local.get $case) (i32.const 6)) (then
      (loop
        (call $log (i32.const 32) (i32.const 40))
        (br 0))))
    (i32.const 0))
  (func (export "decide") (result i64) (call $count)))

;; An alloc that lies as its `with` says, one digit, whenever the event has 1,000 bytes or more.
(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (global $case (mut i32) (i32.const 0))
  (data (i32.const 32) "{\"debugContext\":{\"memory\":0,\"global\":0}}")
  (func (export "tenterhook_abi_v1"))

  (func (export "configure") (param $ptr i32) (param $len i32) (result i32)
    (global.set $case (i32.sub (i32.load8_u (local.get $ptr)) (i32.const 48)))
    (i32.const 0))

  (func (export "alloc") (param $size i32) (result i32)
    (if (i32.lt_u (local.get $size) (i32.const 1000)) (then (return (i32.const 4096))))
    ;; nowhere
    (if (i32.eq (global.get $case) (i32.const 1)) (then (return (i32.const 0))))
    ;; past the end
    (if (i32.eq (global.get $case) (i32.const 2)) (then (return (i32.const 65536))))
    ;; where the event ends past the end
    (if (i32.eq (global.get $case) (i32.const 3)) (then (return (i32.const 65000))))
    ;; where it goes round
    (if (i32.eq (global.get $case) (i32.const 4)) (then (return (i32.const -1))))
    ;; over what it will answer; its own harm
    (if (i32.eq (global.get $case) (i32.const 5)) (then (return (i32.const 16))))
    ;; at an odd address; that is allowed
    (if (i32.eq (global.get $case) (i32.const 6)) (then (return (i32.const 4097))))
    ;; never
    (if (i32.eq (global.get $case) (i32.const 7)) (then (loop (br 0))))
    ;; a trap
    (if (i32.eq (global.get $case) (i32.const 8)) (then (unreachable)))
    ;; in memory that it has grown; that is allowed
    (if (i32.eq (global.get $case) (i32.const 9)) (then (return (i32.shl (memory.grow (i32.const 8)) (i32.const 16)))))
    (i32.const 4096))

  (func (export "evaluate") (param $ptr i32) (param $len i32) (result i64)
    (i32.store8 (i32.const 58) (i32.add (i32.load8_u (i32.const 58)) (i32.const 1)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 69) (i32.add (global.get $calls) (i32.const 48)))
    (i64.const 0x20_0000_0028)))

;; Ways to run for longer than anybody waits.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 0) $indirect)
  (type $tree (func (param i32)))
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
  (func $t0 (call $t1) (call $t1))
  (func $t1 (call $t2) (call $t2))
  (func $t2 (call $t3) (call $t3))
  (func $t3 (call $t4) (call $t4))
  (func $t4 (call $t5) (call $t5))
  (func $t5 (call $t6) (call $t6))
  (func $t6 (call $t7) (call $t7))
  (func $t7 (call $t8) (call $t8))
  (func $t8 (call $t9) (call $t9))
  (func $t9 (call $t10) (call $t10))
  (func $t10 (call $t11) (call $t11))
  (func $t11 (call $t12) (call $t12))
  (func $t12 (call $t13) (call $t13))
  (func $t13 (call $t14) (call $t14))
  (func $t14 (call $t15) (call $t15))
  (func $t15 (call $t16) (call $t16))
  (func $t16 (call $t17) (call $t17))
  (func $t17 (call $t18) (call $t18))
  (func $t18 (call $t19) (call $t19))
  (func $t19 (call $t20) (call $t20))
  (func $t20 (call $t21) (call $t21))
  (func $t21 (call $t22) (call $t22))
  (func $t22 (call $t23) (call $t23))
  (func $t23 (call $t24) (call $t24))
  (func $t24 (call $t25) (call $t25))
  (func $t25 (call $t26) (call $t26))
  (func $t26 (call $t27) (call $t27))
  (func $t27 (call $t28) (call $t28))
  (func $t28 (call $t29) (call $t29))
  (func $t29 (call $t30) (call $t30))
  (func $t30 (call $t31) (call $t31))
  (func $t31 (call $t32) (call $t32))
  (func $t32 (call $t33) (call $t33))
  (func $t33 (call $t34) (call $t34))
  (func $t34 (call $t35) (call $t35))
  (func $t35 (call $t36) (call $t36))
  (func $t36 (call $t37) (call $t37))
  (func $t37 (call $t38) (call $t38))
  (func $t38 (call $t39) (call $t39))
  (func $t39 (call $t40) (call $t40))
  (func $t40)

  (func $fib (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add
        (call $fib (i32.sub (local.get $n) (i32.const 1)))
        (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func $even (param $n i32)
    (if (local.get $n) (then
      (call $odd (i32.sub (local.get $n) (i32.const 1)))
      (call $odd (i32.sub (local.get $n) (i32.const 1))))))
  (func $odd (param $n i32)
    (if (local.get $n) (then
      (call $even (i32.sub (local.get $n) (i32.const 1)))
      (call $even (i32.sub (local.get $n) (i32.const 1))))))
  (func $indirect (param $n i32)
    (if (local.get $n) (then
      (call_indirect (type $tree) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0))
      (call_indirect (type $tree) (i32.sub (local.get $n) (i32.const 1)) (i32.const 0)))))

  (func $attack (param $case i32) (local $a i32) (local $b i32) (local $v v128)
    ;; 01: an endless loop
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (loop (br 0))))
    ;; 02: an endless loop that is left and entered again by a table
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (loop $outer
          (block $inner
            (br_table $inner $outer (i32.const 0)))
          (br $outer))))
    ;; 03: 2^40 calls and not one loop
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (call $t0)))
    ;; 04: recursion that branches
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (drop (call $fib (i32.const 90)))))
    ;; 05: two functions that call each other twice
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (call $even (i32.const 90))))
    ;; 06: the same through a table
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (call_indirect (type $tree) (i32.const 90) (i32.const 0))))
    ;; 07: a loop of nothing but arithmetic on vectors
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (loop
          (local.set $v (i32x4.add (local.get $v) (i32x4.splat (i32.const 1))))
          (br_if 0 (i32.eqz (v128.any_true (v128.const i32x4 0 0 0 0)))))))
    ;; 08: loops in loops, each of them finite
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (local.set $a (i32.const -1))
        (loop $a
          (local.set $b (i32.const -1))
          (loop $b
            (br_if $b (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))
          (br_if $a (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))

;; Single instructions that each do the work of millions, with loops and without.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 50000 funcref)
  (elem $e func $f $f $f $f $f $f $f $f)
  (data $d "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
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
  (func $room (drop (memory.grow (i32.const 127))))
  (func $fills0
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
    (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584)))
  (func $fills1 (call $fills0) (call $fills0) (call $fills0) (call $fills0) (call $fills0) (call $fills0) (call $fills0) (call $fills0))
  (func $fills2 (call $fills1) (call $fills1) (call $fills1) (call $fills1) (call $fills1) (call $fills1) (call $fills1) (call $fills1))
  (func $fills3 (call $fills2) (call $fills2) (call $fills2) (call $fills2) (call $fills2) (call $fills2) (call $fills2) (call $fills2))
  (func $fills4 (call $fills3) (call $fills3) (call $fills3) (call $fills3) (call $fills3) (call $fills3) (call $fills3) (call $fills3))
  (func $copies0
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304))
    (memory.copy (i32.const 1024) (i32.const 4194304) (i32.const 4194304)))
  (func $copies1 (call $copies0) (call $copies0) (call $copies0) (call $copies0) (call $copies0) (call $copies0) (call $copies0) (call $copies0))
  (func $copies2 (call $copies1) (call $copies1) (call $copies1) (call $copies1) (call $copies1) (call $copies1) (call $copies1) (call $copies1))
  (func $copies3 (call $copies2) (call $copies2) (call $copies2) (call $copies2) (call $copies2) (call $copies2) (call $copies2) (call $copies2))
  (func $copies4 (call $copies3) (call $copies3) (call $copies3) (call $copies3) (call $copies3) (call $copies3) (call $copies3) (call $copies3))
  (func $tablefills0
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000)))
  (func $tablefills1 (call $tablefills0) (call $tablefills0) (call $tablefills0) (call $tablefills0) (call $tablefills0) (call $tablefills0) (call $tablefills0) (call $tablefills0))
  (func $tablefills2 (call $tablefills1) (call $tablefills1) (call $tablefills1) (call $tablefills1) (call $tablefills1) (call $tablefills1) (call $tablefills1) (call $tablefills1))
  (func $tablefills3 (call $tablefills2) (call $tablefills2) (call $tablefills2) (call $tablefills2) (call $tablefills2) (call $tablefills2) (call $tablefills2) (call $tablefills2))
  (func $tablefills4 (call $tablefills3) (call $tablefills3) (call $tablefills3) (call $tablefills3) (call $tablefills3) (call $tablefills3) (call $tablefills3) (call $tablefills3))

  (func $attack (param $case i32)
    ;; 01: 65,536 fills of 8 MiB in a straight line
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (call $room)
        (call $fills4)))
    ;; 02: a loop of fills
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (call $room)
        (loop
          (memory.fill (i32.const 1024) (i32.const 7) (i32.const 8387584))
          (br 0))))
    ;; 03: 65,536 copies of 4 MiB in a straight line
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (call $room)
        (call $copies4)))
    ;; 04: a loop of copies that overlap
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (call $room)
        (loop
          (memory.copy (i32.const 1024) (i32.const 1025) (i32.const 8386560))
          (br 0))))
    ;; 05: 65,536 fills of a table in a straight line
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (call $tablefills4)))
    ;; 06: a loop of fills of a table
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (loop
          (table.fill $t (i32.const 0) (ref.null func) (i32.const 50000))
          (br 0))))
    ;; 07: a loop of copies within a table
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (loop
          (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 49999))
          (br 0))))
    ;; 08: a loop of elements out of a segment
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (loop
          (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 8))
          (br 0))))
    ;; 09: a loop of bytes out of a segment
    (if (i32.eq (local.get $case) (i32.const 9))
      (then
        (loop
          (memory.init $d (i32.const 1024) (i32.const 0) (i32.const 64))
          (br 0))))
    ;; 10: a loop of fills of nothing
    (if (i32.eq (local.get $case) (i32.const 10))
      (then
        (loop
          (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
          (br 0))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))

# Fails if an object compiled for one instruction set defines a symbol that other objects may share (weak: an inline
# function or template emitted out of line) outside that set's namespace: the linker could take that copy for every
# object and run, say, AVX-512 code on a processor without it.
#   cmake -DNM=nm -DISA=avx2 -DOBJECTS=a.o,b.o -P isa_symbols.cmake
string(REPLACE "," ";" objects "${OBJECTS}")
set(shared "")
foreach(object ${objects})
  execute_process(COMMAND ${NM} -C --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${symbols}")
  foreach(line IN LISTS lines)
    if(line MATCHES "^[0-9a-f]+ [WVu] " AND NOT line MATCHES "shcnn::cpu::${ISA}::")
      list(APPEND shared "${object}: ${line}")
    endif()
  endforeach()
endforeach()
if(shared)
  list(JOIN shared "\n" text)
  message(FATAL_ERROR "shared symbols in objects compiled for ${ISA}:\n${text}")
endif()
list(LENGTH objects count)
message(STATUS "${count} objects of ${ISA}: no shared symbols")

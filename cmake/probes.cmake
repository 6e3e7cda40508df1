# Every function that a header of service/, pilot/ or the cache declares is timed and counted: the linker
# sends its callers to a wrapper that tools/probe_wrappers.c makes of the header (src/perf/probe.h,
# docs/decisions). SV_PROBES=OFF builds all probes as nothing, to measure what they cost.
option(SV_PROBES "time and count every operation" ON)
if(NOT SV_PROBES)
  target_compile_definitions(sensorvision_core PUBLIC SV_NO_PROBES)
  return()
endif()
file(GLOB SV_PROBED_SERVICE CONFIGURE_DEPENDS src/service/*.h src/pilot/*.h)
set(SV_PROBED_CACHE ${CMAKE_SOURCE_DIR}/src/cache/cache.h ${CMAKE_SOURCE_DIR}/src/cache/cache_read.h)
set(SV_PROBE_EXEMPT ${CMAKE_SOURCE_DIR}/tools/probe_exempt.txt)
add_executable(probe_wrappers tools/probe_wrappers.c)
target_compile_definitions(probe_wrappers PRIVATE _GNU_SOURCE)

function(sv_probe kind)
  foreach(header ${ARGN})
    get_filename_component(stem ${header} NAME_WE)
    set(wrappers ${CMAKE_BINARY_DIR}/generated/probes/${stem}_probed.c)
    add_custom_command(OUTPUT ${wrappers}
                       COMMAND probe_wrappers ${kind} ${header} ${SV_PROBE_EXEMPT} ${wrappers}
                       DEPENDS probe_wrappers ${header} ${SV_PROBE_EXEMPT} VERBATIM)
    target_sources(sensorvision_core PRIVATE ${wrappers})
  endforeach()
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated/probes)
sv_probe(PROBE_SERVICE ${SV_PROBED_SERVICE})
sv_probe(PROBE_CACHE ${SV_PROBED_CACHE})

# What the linker wraps, as options of the compiler that calls it (gcc and clang alike).
set(SV_PROBE_LINK ${CMAKE_BINARY_DIR}/generated/probes/wrap.opt)
add_custom_command(OUTPUT ${SV_PROBE_LINK}
                   COMMAND probe_wrappers --names ${SV_PROBE_EXEMPT} ${SV_PROBED_SERVICE} ${SV_PROBED_CACHE}
                           | sed s/^/-Wl,--wrap=/ > ${SV_PROBE_LINK}
                   DEPENDS probe_wrappers ${SV_PROBED_SERVICE} ${SV_PROBED_CACHE} ${SV_PROBE_EXEMPT})
add_custom_target(probe_link_options DEPENDS ${SV_PROBE_LINK})
add_dependencies(sensorvision_core probe_link_options)
target_link_options(sensorvision_core INTERFACE "@${SV_PROBE_LINK}")
set_property(TARGET sensorvision_core APPEND PROPERTY INTERFACE_LINK_DEPENDS ${SV_PROBE_LINK})

# The page at "/" travels inside the binary: tools/embed.c turns web/plain/ into web_assets.c.
file(GLOB SV_WEB_FILES CONFIGURE_DEPENDS web/plain/*)
add_executable(embed tools/embed.c)
target_compile_definitions(embed PRIVATE _GNU_SOURCE)
target_link_libraries(embed PRIVATE z)
set(SV_WEB_ASSETS ${CMAKE_BINARY_DIR}/generated/web_assets.c)
add_custom_command(OUTPUT ${SV_WEB_ASSETS}
                   COMMAND embed ${SV_WEB_ASSETS} ${SV_WEB_FILES}
                   DEPENDS embed ${SV_WEB_FILES}
                   COMMENT "Embedding the page" VERBATIM)
target_sources(sensorvision_core PRIVATE ${SV_WEB_ASSETS})

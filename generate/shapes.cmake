# Runs the generator over the installed EC2 and STS service models; its C++ joins api/shape and api/action.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# Debian's python3-botocore; CUMULET_SERVICE_MODELS may name another botocore data folder.
set(CUMULET_SERVICE_MODELS "/usr/lib/python3/dist-packages/botocore/data" CACHE PATH "botocore's data folder")

function(find_service_model variable service version)
  find_file(${variable} NAMES service-2.json service-2.json.gz NO_DEFAULT_PATH NO_CACHE
            PATHS ${CUMULET_SERVICE_MODELS}/${service}/${version})
  if(NOT ${variable})
    message(FATAL_ERROR "no ${service} ${version} service model under ${CUMULET_SERVICE_MODELS}: "
                        "install the package python3-botocore")
  endif()
  set(${variable} ${${variable}} PARENT_SCOPE)
endfunction()

find_service_model(ec2_model ec2 2016-11-15)
find_service_model(sts_model sts 2011-06-15)

set(generated ${PROJECT_BINARY_DIR}/generated)
set(shape_outputs ${generated}/api/shape/operations.cpp
    ${generated}/api/shape/ec2_shapes.h ${generated}/api/shape/ec2_decode.cpp
    ${generated}/api/shape/ec2_encode_0.cpp ${generated}/api/shape/ec2_encode_1.cpp
    ${generated}/api/shape/ec2_encode_2.cpp
    ${generated}/api/shape/sts_shapes.h ${generated}/api/shape/sts_decode.cpp
    ${generated}/api/shape/sts_encode_0.cpp)
set(action_outputs ${generated}/api/action/actions.h ${generated}/api/action/dispatch.cpp)
file(GLOB generator_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/generate/*.py)

# The generator leaves unchanged outputs untouched, so Ninja's restat would see no work: the stamp records the run.
add_custom_command(
  OUTPUT ${generated}/api.stamp
  BYPRODUCTS ${shape_outputs} ${action_outputs}
  COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${Python3_EXECUTABLE}
          ${PROJECT_SOURCE_DIR}/generate/generate.py --ec2 ${ec2_model} --sts ${sts_model}
          --actions ${PROJECT_SOURCE_DIR}/generate/actions.txt --output ${generated}
  COMMAND ${CMAKE_COMMAND} -E touch ${generated}/api.stamp
  DEPENDS ${generator_sources} ${PROJECT_SOURCE_DIR}/generate/actions.txt ${ec2_model} ${sts_model}
  COMMENT "Generating API shapes from the EC2 and STS service models"
  VERBATIM)
add_custom_target(api_generated DEPENDS ${generated}/api.stamp)

foreach(part shape action)
  target_sources(api_${part} PRIVATE ${${part}_outputs})
  set_source_files_properties(${${part}_outputs} PROPERTIES GENERATED TRUE)
  target_include_directories(api_${part} PUBLIC ${generated})
  add_dependencies(api_${part} api_generated)
endforeach()

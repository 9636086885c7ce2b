// IN, OUT, INS and OUTS, with the I/O permission bitmap (SDM volume 1, 19.5).
#include "hypervisor/interpret/breakpoints.h"
#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/interpret/string_operands.h"

namespace cumulet::hypervisor {

namespace {
constexpr int kElementsPerStep = 256;

// #GP(0) unless IOPL or the TSS's bitmap allows `size` ports from `port`.
bool require_port(Execution& x, uint16_t port, unsigned size) {
  if (!x.protected_mode() || x.cpu.cpl() <= x.iopl()) return true;
  const Segment& tr = x.state.tr;
  constexpr auto kSystem = AccessPrivilege::kImplicitSupervisor;
  uint64_t bitmap = 0;
  uint64_t bits = 0;
  if ((tr.type() & 8) == 0 || tr.limit < 103) return x.stop(general_protection());
  if (!read_linear_integer(x, tr.base + 102, 2, bitmap, kSystem)) return false;
  uint64_t at = bitmap + port / 8;
  if (at + 1 > tr.limit) return x.stop(general_protection());
  if (!read_linear_integer(x, tr.base + at, 2, bits, kSystem)) return false;
  return (bits >> (port & 7) & low_mask(size)) == 0 || x.stop(general_protection());
}

bool port_read(Execution& x, uint16_t port, uint8_t size, uint64_t& value) {
  if (!require_port(x, port, size)) return false;
  note_port_breakpoints(x, port, size);
  const MachineRequest* answer = x.requests.ask(
      {MachineRequest::Kind::kPort, Direction::kRead, port, size, std::vector<uint8_t>(size, 0xff)});
  if (answer == nullptr)
    return x.stop_for(PortIoExit{port, size, Direction::kRead, 1, x.requests.back().data});
  value = load_le_sized(answer->data);
  return true;
}

bool port_write(Execution& x, uint16_t port, uint8_t size, uint64_t value) {
  if (!require_port(x, port, size)) return false;
  note_port_breakpoints(x, port, size);
  MachineRequest question = {MachineRequest::Kind::kPort, Direction::kWrite, port, size,
                             std::vector<uint8_t>(size)};
  store_le_sized(question.data, value);
  if (x.requests.ask(question) != nullptr) return true;
  return x.stop_for(PortIoExit{port, size, Direction::kWrite, 1, x.requests.back().data});
}

bool run_element(Execution& x, const StringOperands& string, bool input) {
  uint16_t port = x.state.gpr[kRdx] & 0xffff;
  uint64_t value = 0;
  if (input) {
    // The destination must be writable before the device gives its byte away.
    uint64_t linear = 0;
    if (!to_linear(x, kEs, read_gpr(x, kRdi, string.address_bits), string.element_size, AccessType::kWrite,
                   linear) ||
        !check_write(x, linear, string.element_size))
      return false;
    if (!port_read(x, port, string.element_size, value) || !string.store_destination(x, value)) return false;
    string.advance_destination(x);
  } else {
    if (!string.load_source(x, value) || !port_write(x, port, string.element_size, value)) return false;
    string.advance_source(x);
  }
  return true;
}
}  // namespace

bool execute_in(Execution& x) {
  uint64_t port = 0;
  uint64_t value = 0;
  if (!read_operand(x, x.operand(1), port)) return false;
  if (!port_read(x, port & 0xffff, static_cast<uint8_t>(x.operand(0).size / 8), value)) return false;
  write_register(x, x.operand(0).reg.value, value);
  return true;
}

bool execute_out(Execution& x) {
  uint64_t port = 0;
  if (!read_operand(x, x.operand(0), port)) return false;
  return port_write(x, port & 0xffff, static_cast<uint8_t>(x.operand(1).size / 8),
                    read_register(x, x.operand(1).reg.value));
}

bool execute_port_string(Execution& x) {
  ZydisMnemonic mnemonic = x.info().mnemonic;
  bool input =
      mnemonic == ZYDIS_MNEMONIC_INSB || mnemonic == ZYDIS_MNEMONIC_INSW || mnemonic == ZYDIS_MNEMONIC_INSD;
  StringOperands string(x);
  if (!string.repeated) return run_element(x, string, input);
  uint64_t count = read_gpr(x, kRcx, string.address_bits);
  for (int left = kElementsPerStep; count != 0; --left) {
    if (left == 0) {
      x.repeat = true;
      return true;
    }
    if (!run_element(x, string, input)) return false;
    write_gpr(x, kRcx, string.address_bits, --count);
    x.checkpoint();
    x.requests.clear();
  }
  return true;
}

}  // namespace cumulet::hypervisor

// QuickLookup: finds where a jump of translated code goes on, on the quick path.
#pragma once

#include "hypervisor/translate/code_space.h"
#include "hypervisor/translate/direct_mode.h"
#include "hypervisor/translate/fetch_cache.h"
#include "hypervisor/translate/jump_cache.h"
#include "hypervisor/translate/known_targets.h"
#include "hypervisor/translate/link_slots.h"
#include "hypervisor/translate/page_bases.h"

namespace cumulet::hypervisor {

// After a change of address space all jumps between pages of user code have to find their targets again, and
// a large program has more targets than a jump table has entries. Nearly always the target has been
// translated; then this does what the dispatcher would, without leaving translated code for it.
//
// General registers only, and no lock (QuickPath): what needs either is declined, and the dispatcher does it.
// Only the vCPU's thread uses it, while it is inside its gate: so no code is overwritten meanwhile.
class QuickLookup {
 public:
  struct Parts {
    Context& context;
    CodeSpace& space;
    FetchCache& fetch;
    PageBases& bases;
    JumpCache& jumps;
    KnownTargets& targets;
    LinkSlots& slots;
    const DirectMode& direct;
  };
  explicit QuickLookup(const Parts& parts) : parts_(parts) {}

  // The direct jump Context::link, or an indirect one, goes to state.rip: true if Context::target is the code
  // there now, and the same jump will find it by itself.
  bool follow_link();
  bool follow_indirect_jump();

 private:
  // Where state.rip is; no `code`: not known yet, or not usual.
  struct UserPage {
    GuestAddress address = 0;
    const CodePage* code = nullptr;
    uint32_t number = kNoPageNumber;
    PageBases::Entered entered = PageBases::Entered::kElsewhere;
  };
  [[nodiscard]] UserPage enter_page() const;
  [[nodiscard]] const Block* next_block() const;
  [[nodiscard]] CodeMode user_mode(const UserPage& page) const;
  [[nodiscard]] const Block* next_user_block(const UserPage& page) const;
  bool follow_hint(uint32_t link);
  bool follow_to_user_code();
  bool go_to(uint32_t indirect, bool verified);

  const Parts parts_;
};

}  // namespace cumulet::hypervisor

/** What several packages of this module share and nobody outside may use. */
@NullMarked
package dev.sennit.internal;

import org.jspecify.annotations.NullMarked;

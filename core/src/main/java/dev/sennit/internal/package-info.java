/** Classes that several packages of this module share; not exported. */
@NullMarked
package dev.sennit.internal;

import org.jspecify.annotations.NullMarked;

/**
 * What a worker process has to have before it can borrow classes from its parent: a class loader, its line to the parent, and a main.
 *
 * <p>Where the library is not on the class path - in a nested jar, in the class loader of a plugin - these classes alone are, and the
 * library itself is borrowed. So they use nothing but the JDK and each other. {@link dev.sennit.internal.boot.ParentClasses} has the
 * protocol.
 */
@NullMarked
package dev.sennit.internal.boot;

import org.jspecify.annotations.NullMarked;

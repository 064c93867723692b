/**
 * The classes that a worker process needs before it can borrow others from its parent: a class loader, a connection to
 * the parent, and a main class.
 *
 * <p>Some workers start with only these classes, as the library is in a nested jar or belongs to the class loader of a
 * plugin; such a worker also borrows the library. So these classes use only the JDK and each other.
 * {@link dev.sennit.internal.boot.ParentClasses} describes the protocol.
 */
@NullMarked
package dev.sennit.internal.boot;

import org.jspecify.annotations.NullMarked;

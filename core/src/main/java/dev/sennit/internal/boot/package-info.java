/**
 * The classes that a worker process needs before it can borrow others from its parent: a class loader, a line to the parent, and a
 * main.
 *
 * <p>Some workers start with these classes alone, as the library lies in a nested jar or belongs to the class loader of a plugin; such
 * a worker borrows the library, too. So these classes use nothing but the JDK and each other. {@link
 * dev.sennit.internal.boot.ParentClasses} has the protocol.
 */
@NullMarked
package dev.sennit.internal.boot;

import org.jspecify.annotations.NullMarked;

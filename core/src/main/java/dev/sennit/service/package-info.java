/**
 * Services: long-running parts of a program, in processes that are kept alive, replaced without a gap, and observable.
 *
 * <p>Start with {@link dev.sennit.service.ServiceManager}. Every wait in this package has a limit.
 */
@NullMarked
package dev.sennit.service;

import org.jspecify.annotations.NullMarked;

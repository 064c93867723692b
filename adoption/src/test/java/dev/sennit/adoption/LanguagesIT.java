package dev.sennit.adoption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Lambdas and classes of other languages. */
@Timeout(1800) // the first builds all projects
class LanguagesIT {
    @Test
    @InFull
    void kotlin() throws Exception {
        Sale.isAllOf(OutsideProjects.run("kotlin", "run.sh"), Sale.printed("[Receipt(order=Order(item=rope, count=3), cents=270), Receipt(order=Order(item=sail, count=2), cents=180)]", "shop.SoldOut"));
    }

    @Test
    @InFull
    void scala() throws Exception {
        Sale.isAllOf(OutsideProjects.run("scala", "run.sh"), Sale.printed("[Receipt(Order(rope,3),270), Receipt(Order(sail,2),180)]", "shop.SoldOut"));
    }
}

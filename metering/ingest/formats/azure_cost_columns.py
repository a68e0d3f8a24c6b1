"""The columns of an Azure cost export, in small letters, and its kinds of charge."""

from typing import Final

REQUIRED: Final = (
    "date",
    "metercategory",
    "metername",
    "unitofmeasure",
    "quantity",
    "effectiveprice",
    "chargetype",
    "pricingmodel",
    "consumedservice",
    "resourceid",
)
OPTIONAL: Final = (
    *("billingaccountid", "billingperiodstartdate", "billingperiodenddate", "invoiceid"),
    *("cost", "costinbillingcurrency", "costinpricingcurrency", "exchangeratepricingtobilling"),
    *("billingcurrency", "billingcurrencycode"),
    *("productname", "product", "publishername", "publishertype"),
    *("subscriptionid", "resourcegroup", "resourcegroupname", "resourcelocation", "location"),
    "tags",
)

# Kinds of charge beside usage: money alone.
MONEY: Final = (
    *("purchase", "refund", "unusedreservation", "unusedsavingsplan", "roundingadjustment"),
)

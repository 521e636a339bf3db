from django.urls import path

from meters.views import edit, groups, lists, meter, places, selection

app_name = "meters"
urlpatterns = [
    path("meters/", lists.meter_list, name="list"),
    path("meters/export.csv", lists.export, name="export"),
    path("meters/export.xlsx", lists.export, {"kind": "xlsx"}, name="export_xlsx"),
    path("meters/columns/", lists.keep_layout, name="keep_layout"),
    path("meters/filters/", lists.save_filter, name="save_filter"),
    path("meters/filters/<int:pk>/delete/", lists.delete_filter, name="delete_filter"),
    path("meters/new/", edit.new, name="new"),
    path("meters/selection/add/", selection.add, name="add_selected"),
    path("meters/selection/remove/", selection.remove, name="remove_selected"),
    path("meters/selection/edit/", selection.edit, name="edit_selected"),
    path("meters/selection/delete/", selection.delete, name="delete_selected"),
    path("meters/groups/", groups.group_list, name="groups"),
    path("meters/groups/new/", groups.create, name="create_group"),
    path("meters/groups/<int:pk>/", groups.change, name="group"),
    path("meters/groups/<int:pk>/delete/", groups.delete, name="delete_group"),
    path("meters/<int:pk>/", meter.detail, name="detail"),
    path("meters/<int:pk>/edit/", edit.edit, name="edit"),
    path("meters/<int:pk>/drawer/", lists.drawer, name="drawer"),
    path("meters/<int:pk>/values/", meter.values, name="values"),
    path("places/<int:pk>/", places.place, name="place"),
    path("places/<int:pk>/edit/", places.edit_place, name="edit_place"),
    path("places/<int:pk>/move/", places.move, name="move"),
    path("customers/", places.customers, name="customers"),
    path("customers/export.csv", places.export_customers, name="export_customers"),
    path("customers/<int:pk>/", places.customer, name="customer"),
    path("customers/<int:pk>/edit/", places.edit_customer, name="edit_customer"),
]
